import type { GateSpec } from '#proto/documents/strategy.ts';
import type { Draft } from './draft.ts';
import { gateKey, questionOf, type When } from './gates.ts';
import type { Gate, Work } from './state.ts';

/**
 * Brings what is known of gates in line with the strategy of the newest head: an answer belongs to who was asked, wherever that gate
 * stands in the list now. A gate that was edited is asked anew.
 */
export function planGates(draft: Draft): void {
  for (const { name, work } of draft.line.stages) {
    const spec = draft.spec(name);
    if (!work || !spec || Object.keys(work.gates).length === 0) continue;
    const asked = (['before', 'after'] as const).flatMap((when) => askedOf(spec[when], when));
    const questions = new Map(asked.map(({ key, question }) => [key, question]));
    const isStill = ([key, { of, ...known }]: [string, Gate]) =>
      questions.has(key) ? of === undefined || of === questions.get(key) : isBlank(known);
    if (!Object.entries(work.gates).every(isStill)) draft.setWork(name, { gates: rekeyed(work, asked) });
  }
}

type Asked = { readonly key: string; readonly when: When; readonly question: string };

const askedOf = (specs: readonly GateSpec[], when: When): Asked[] =>
  specs.map((spec, index) => ({ key: gateKey(when, index), when, question: questionOf(spec) }));

const isBlank = ({ openedAt, approvals, answer }: Gate): boolean => !openedAt && !approvals && !answer;

function rekeyed({ gates }: Work, asked: readonly Asked[]): Work['gates'] {
  // Under its number a question at another place is another request: what was answered there before is no answer to it.
  const round = 1 + Math.max(0, ...Object.values(gates).map((gate) => gate.round ?? 0));
  const isAt = ({ key, question }: Asked) => {
    const known = gates[key];
    return known !== undefined && (known.of === undefined || known.of === question);
  };
  const staying = new Set(asked.filter(isAt).map(({ key }) => key));
  const moving = Object.entries(gates).filter(([key]) => !staying.has(key));
  const planned: Record<string, Gate> = {};
  for (const [key, { of, round: was }] of moving)
    planned[key] = { ...(of !== undefined && { of }), ...(was !== undefined && { round: was }) };
  for (const one of asked) {
    const { key, when, question } = one;
    const from = moving.findIndex(([was, { of }]) => of === question && was.startsWith(`${when}/`));
    if (staying.has(key)) planned[key] = gates[key]!;
    else if (from >= 0) planned[key] = { ...moving.splice(from, 1)[0]![1], round };
    else if (key in gates) planned[key] = { round };
  }
  return planned;
}
