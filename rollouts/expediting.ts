import { stageNamed } from './approving.ts';
import type { Draft } from './draft.ts';
import { gateKey } from './gates.ts';
import { type Command, type Refused, refuse, who } from './order.ts';
import { SKIPS, type Skip, type Stage, type Work } from './state.ts';
import { versionWaitsFor } from './words.ts';

type Expedite = Extract<Command, { kind: 'expedite' }>;

/** Lets stages go on without what they would wait for, but never without judging failures (design/30, rule 13). */
export function expedite(draft: Draft, order: Expedite): Refused | undefined {
  const { version, skips = SKIPS } = order;
  const stages: Stage[] = [];
  for (const name of order.stages) {
    const stage = stageNamed(draft, name);
    if ('refused' in stage) return stage;
    stages.push(stage);
  }
  const working = stages.filter(({ work }) => work && (version === undefined || work.version === version));
  if (working.length === 0)
    return refuse('nothing-waits', stages.map((stage) => notAtIt(draft, stage, version)).join('; '));
  const waiting = working.filter((stage) => skips.some((skip) => isAhead(draft, stage, stage.work!, skip)));
  if (waiting.length === 0)
    return refuse('nothing-waits', working.map((stage) => withoutIt(draft, stage, skips)).join('; '));
  for (const { name, work } of waiting) {
    draft.setWork(name, { skips: [...new Set([...work!.skips, ...skips])] });
    draft.event({ what: 'expedited', stage: name, revision: work!.version, skips, ...who(order) });
  }
  return undefined;
}

const waitsFor = ({ line, facts, now }: Draft, version: string): string[] =>
  versionWaitsFor(line, facts, now, version);
const short = (version: string): string => version.slice(0, 7);
const nameIn = ({ facts }: Draft, { name }: Stage): string => `${name} of ${facts.placement}`;

/** Whether there is something that a skip would spare a stage, now or later. */
function isAhead(draft: Draft, { name }: Stage, work: Work, skip: Skip): boolean {
  if (work.skips.includes(skip)) return false;
  if (skip === 'evidence') return true;
  if (work.revert) return false;
  if (skip === 'window') return draft.facts.strategy.windows.length > 0;
  return (['before', 'after'] as const).some((when) =>
    draft
      .spec(name)
      ?.[when].some((gate, at) => gate[skip] && work.gates[gateKey(when, at)]?.openedAt === undefined),
  );
}

/** Why a stage that is not at work on a version waits for nothing there. */
function notAtIt(draft: Draft, stage: Stage, version: string | undefined): string {
  const { work, passed } = stage;
  const where = nameIn(draft, stage);
  const last = passed.at(-1);
  if (version === undefined)
    return `${where} is at work on nothing${last === undefined ? '' : `: it has passed ${short(last)}`}`;
  if (passed.includes(version)) return `${where} has passed ${short(version)} already: it waits for nothing`;
  const { versions } = draft;
  if (work && versions.order(work.version) > versions.order(version))
    return `${where} works on ${short(work.version)}, which is newer than ${short(version)}`;
  const waits = waitsFor(draft, version);
  return `${where} has not begun with ${short(version)} (${waits.join('; ')})`;
}

/** Why an order would change nothing in a stage, and what it does wait for. */
function withoutIt(draft: Draft, stage: Stage, skips: readonly Skip[]): string {
  const waits = waitsFor(draft, stage.work!.version);
  return `${nameIn(draft, stage)} waits for no ${skips.join(' or ')} (${waits.join('; ')})`;
}
