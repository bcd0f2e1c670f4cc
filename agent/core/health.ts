import { conditionOf, wordsOf } from './conditions.ts';
import { ADDRESSED_KINDS, KIND_RULES, STATIC_KINDS } from './health-rules.ts';
import {
  current,
  failed,
  type Health,
  type HealthOptions,
  inProgress,
  terminating,
  unassessed,
  unseen,
} from './health-words.ts';
import { type KubeObject, numberAt, splitApiVersion } from './object.ts';

/**
 * Health of one live object. "Does not fetch the state of the resource from a cluster" (kstatus): what it says depends on the object
 * alone. Order: deletion, observed generation, Reconciling, Stalled, the rule of the kind, Ready and Available, else unassessed.
 * Rules after kstatus with the corrections of design/40-agent.
 */
export function computeHealth(object: KubeObject, options: HealthOptions = {}): Health {
  if (object.metadata.deletionTimestamp) {
    const held = object.metadata.finalizers ?? [];
    const reason = held.length > 0 ? `being deleted, held by finalizers ${held.join(', ')}` : 'being deleted';
    return terminating(reason);
  }
  const general = beforeKind(object);
  if (general) return general;
  const rule = KIND_RULES[kindOf(object)];
  return rule ? rule(object, options) : generic(object, options);
}

function beforeKind(object: KubeObject): Health | undefined {
  const observed = numberAt(object, 'status', 'observedGeneration');
  const { generation } = object.metadata;
  if (observed !== undefined && generation !== undefined && observed < generation)
    return unseen(`the controller has seen generation ${observed} of ${generation}`);
  const stalled = conditionOf(object, 'Stalled');
  if (stalled?.status === 'True') return failed(wordsOf(stalled));
  const reconciling = conditionOf(object, 'Reconciling');
  return reconciling?.status === 'True' ? inProgress(wordsOf(reconciling)) : undefined;
}

/** So long a custom resource may say that it is not Ready before that is a failure, ms. */
const GRACE = 120_000;

/**
 * Kinds without a rule: a Ready (or Available) condition of the present generation decides; without any, nothing is known. While a
 * Certificate is being issued, what it says of being ready is about the one before.
 */
function generic(object: KubeObject, { now }: HealthOptions): Health {
  const issuing = conditionOf(object, 'Issuing');
  if (issuing?.status === 'True') return inProgress(wordsOf(issuing));
  const deciding = conditionOf(object, 'Ready') ?? conditionOf(object, 'Available');
  if (deciding === undefined) return unassessed();
  const { generation } = object.metadata;
  if (
    deciding.observedGeneration !== undefined &&
    generation !== undefined &&
    deciding.observedGeneration < generation
  )
    return inProgress(`${deciding.type} is of generation ${deciding.observedGeneration}, not ${generation}`);
  if (deciding.status === 'True') return current();
  const lasts = now !== undefined && deciding.since !== undefined && now - deciding.since >= GRACE;
  return deciding.status === 'False' && lasts ? failed(wordsOf(deciding)) : inProgress(wordsOf(deciding));
}

type Typed = Pick<KubeObject, 'apiVersion' | 'kind'>;
const kindOf = ({ apiVersion, kind }: Typed): string => `${splitApiVersion(apiVersion).group}/${kind}`;

/** Whether health of the object can change while it exists: only then is it fetched when its metadata moves. */
export function canAil(object: Typed, { requireAddress = false }: HealthOptions): boolean {
  const kind = kindOf(object);
  return !STATIC_KINDS.includes(kind) && (requireAddress || !ADDRESSED_KINDS.includes(kind));
}

const TOLD_WHOLE = new Set(['apps/Deployment', 'apps/StatefulSet', 'apps/DaemonSet']);

/** Whether the watch tells objects of the kind whole: those that a rollout moves many times each. What it tells is not kept. */
export const isToldWhole = (object: Typed): boolean => TOLD_WHOLE.has(kindOf(object));
