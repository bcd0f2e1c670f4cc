import { isRecord, type KubeObject, listAt } from './object.ts';

/** One entry of `status.conditions`. */
export type Condition = {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration: number | undefined;
  /** Since when it is as it is, Unix ms; undefined where that is not told. */
  since: number | undefined;
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export function conditionsOf(object: KubeObject): Condition[] {
  return listAt(object, 'status', 'conditions')
    .filter(isRecord)
    .map((each) => ({
      type: text(each.type),
      status: text(each.status),
      reason: text(each.reason),
      message: text(each.message),
      observedGeneration: typeof each.observedGeneration === 'number' ? each.observedGeneration : undefined,
      since: Date.parse(text(each.lastTransitionTime)) || undefined,
    }));
}

export const conditionOf = (object: KubeObject, type: string): Condition | undefined =>
  conditionsOf(object).find((each) => each.type === type);

/** Whether the condition is there with the status; "True" unless said. A condition whose status is not checked lies. */
export const isCondition = (object: KubeObject, type: string, status = 'True'): boolean =>
  conditionOf(object, type)?.status === status;

/** `Reason: message`, as far as there is any; the type where there is neither. */
export function wordsOf(condition: Condition): string {
  return [condition.reason, condition.message].filter((part) => part !== '').join(': ') || condition.type;
}
