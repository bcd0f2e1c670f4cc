import { milliseconds } from '#proto/documents/common.ts';
import type { GateSpec } from '#proto/documents/strategy.ts';
import type { Draft } from './draft.ts';
import type { Approval, Gate, Skip, Stage, Work } from './state.ts';
import type { Survey } from './work.ts';

export type When = 'before' | 'after';
export const gateKey = (when: When, index: number) => `${when}/${index}`;

/** Whom a gate asks: another question is another gate. How many, how long and how often are not part of it. */
export function questionOf({ approval, webhook }: GateSpec): string {
  if (approval) return JSON.stringify(['approval', [...approval.groups].sort(), approval.notAuthor ?? false]);
  return JSON.stringify(webhook ? ['webhook', webhook.url, webhook.secret] : ['soak']);
}

/** Whether the gates of one side are open; if not, what is waited for, in words (design/30, rules 3 and 6). */
export function waitsAtGates(
  draft: Draft,
  stage: Stage,
  when: When,
  looked: Survey | undefined,
): string | undefined {
  const { work } = stage;
  const specs = draft.spec(stage.name)?.[when] ?? [];
  if (!work || work.revert || specs.length === 0) return undefined;
  for (const [index, spec] of specs.entries()) {
    const key = gateKey(when, index);
    const gate = draft.stage(stage.name)!.work!.gates[key] ?? {};
    const at = { spec, gate, key, when };
    const waits = waitsAt(draft, stage, work, at, looked);
    if (waits === undefined) {
      if (gate.openedAt === undefined && spec.soak === undefined) {
        setGate(draft, stage.name, at, { openedAt: draft.now });
        draft.event({
          what: 'gateOpened',
          stage: stage.name,
          revision: work.version,
          gate: key,
          reason: nameOf(spec),
        });
      }
      continue;
    }
    if (draft.stage(stage.name)!.work!.gates[key]?.of === undefined) {
      setGate(draft, stage.name, at, {});
      draft.event({
        what: 'gateWaiting',
        stage: stage.name,
        revision: work.version,
        gate: key,
        reason: waits,
      });
    }
    return waits;
  }
  return undefined;
}

type At = { spec: GateSpec; gate: Gate; key: string; when: When };

function waitsAt(
  draft: Draft,
  stage: Stage,
  work: Work,
  at: At,
  looked: Survey | undefined,
): string | undefined {
  const { spec, gate } = at;
  const skips = (skip: Skip) => work.skips.includes(skip);
  if (spec.soak !== undefined) {
    const until = (looked?.lastCurrentHub ?? draft.hub) + milliseconds(spec.soak);
    return skips('soak') || draft.due(until) ? undefined : `soaking for ${spec.soak}`;
  }
  if (gate.openedAt !== undefined) return undefined;
  if (spec.approval) {
    const missing = skips('approval') ? undefined : missingApproval(draft, spec.approval, gate);
    return missing && `waiting for ${missing}`;
  }
  return skips('webhook') ? undefined : waitsForWebhook(draft, stage, work, at);
}

/** In words, behind "waiting for". */
function missingApproval(
  draft: Draft,
  spec: NonNullable<GateSpec['approval']>,
  { approvals = [] }: Gate,
): string | undefined {
  const valid = validApprovals(draft, spec, approvals);
  const count = spec.count ?? 1;
  if (valid.length >= count) return undefined;
  const far = valid.length > 0 ? ` (${valid.length} given)` : '';
  return `${count === 1 ? 'approval' : `${count} approvals`} by ${spec.groups.join(' or ')}${far}`;
}

/** The approval that a stage lacks before it may start, in words behind "waiting for", also while it is not asked for because nothing could start anyhow. */
export function lacksApproval(draft: Draft, { name, work }: Stage): string | undefined {
  if (!work || work.revert || work.skips.includes('approval')) return undefined;
  for (const [index, { approval }] of (draft.spec(name)?.before ?? []).entries()) {
    const gate = work.gates[gateKey('before', index)] ?? {};
    const missing = approval && gate.openedAt === undefined && missingApproval(draft, approval, gate);
    if (missing) return missing;
  }
  return undefined;
}

/** An approval expires, in hub time, until it is used. */
export function validApprovals(
  draft: Draft,
  { expires }: NonNullable<GateSpec['approval']>,
  approvals: readonly Approval[],
): Approval[] {
  if (expires === undefined) return [...approvals];
  return approvals.filter(({ atHub }) => !draft.due(atHub + milliseconds(expires)));
}

/** Takes in what webhooks have answered, before anything is decided: a stage whose gate is shut may yield in this very step. */
export function hearWebhooks(draft: Draft): void {
  if (draft.facts.answers.size === 0) return;
  for (const stage of draft.line.stages)
    for (const when of ['before', 'after'] as const)
      for (const [index, spec] of (draft.spec(stage.name)?.[when] ?? []).entries()) {
        const key = gateKey(when, index);
        const gate = stage.work?.gates[key];
        if (spec.webhook && gate && stage.work) hear(draft, stage, stage.work, { spec, gate, key, when });
      }
}

const idOf = (draft: Draft, stage: Stage, work: Work, { key, gate }: At) =>
  [draft.facts.placement, stage.name, work.version, work.floor, key, gate.round ?? 0].join('/');

function hear(draft: Draft, stage: Stage, work: Work, at: At): Gate['answer'] {
  const { gate, key, spec } = at;
  if (gate.answer) return gate.answer;
  const answer = draft.facts.answers.get(idOf(draft, stage, work, at));
  if (!answer) return undefined;
  setGate(draft, stage.name, at, { answer });
  if (answer.says === 'yes') return answer;
  const { host } = new URL(spec.webhook!.url);
  draft.event({
    what: 'gateDenied',
    stage: stage.name,
    revision: work.version,
    gate: key,
    reason: `${host} ${answer.says === 'no' ? 'says no' : 'does not answer'}`,
  });
  return answer;
}

function waitsForWebhook(draft: Draft, stage: Stage, work: Work, at: At): string | undefined {
  const { url, secret, timeout = '30s', retries = 3 } = at.spec.webhook!;
  const answer = hear(draft, stage, work, at);
  if (answer?.says === 'yes') return undefined;
  const { host } = new URL(url);
  if (answer) {
    const why = answer.message ? `: ${answer.message}` : '';
    return `${answer.says === 'no' ? `${host} says no` : `${host} does not answer`}${why}; retry asks again`;
  }
  const previous = stage.passed.at(-1);
  draft.requests.push({
    id: idOf(draft, stage, work, at),
    url,
    secret,
    timeoutMs: milliseconds(timeout),
    retries,
    stage: stage.name,
    version: work.version,
    when: at.when,
    ...(previous !== undefined && { previous }),
    authors: [...draft.versions.authors(previous, work.version)].sort(),
  });
  return `waiting for ${host}`;
}

function setGate(draft: Draft, stage: string, { key, spec }: At, gate: Gate): void {
  const work = draft.stage(stage)?.work;
  const of = questionOf(spec);
  if (work) draft.setWork(stage, { gates: { ...work.gates, [key]: { ...work.gates[key], ...gate, of } } });
}

const nameOf = ({ soak, approval }: GateSpec) =>
  soak !== undefined ? 'soak' : approval ? 'approval' : 'webhook';
