import { type Draft, publishedDigest } from './draft.ts';
import { few, isRegressed } from './failing.ts';
import { isAmong } from './membership.ts';
import { type Command, type Refused, refuse, who } from './order.ts';
import { isBarred } from './rejected.ts';
import type { Whom } from './state.ts';

/** Gives clusters what was in force at a commit, whatever the line does, until it is unpinned. */
export function pin(draft: Draft, order: Extract<Command, { kind: 'pin' }>): Refused | undefined {
  const { placement, clusters } = draft.facts;
  if (draft.versions.order(order.revision) < 0)
    return refuse(
      'unknown-version',
      `${order.revision.slice(0, 12)} is no version of ${placement} on the branch`,
    );
  if ('cluster' in order.whom && !draft.membership.byName.has(order.whom.cluster))
    return refuse('unknown-cluster', `there is no cluster ${order.whom.cluster}`);
  if (order.until !== undefined && order.until <= draft.now)
    return refuse('expired', 'the pin would be over before it began');
  if (clusters.length === 0) return refuse('unknown-cluster', 'there is no cluster');
  const refusal = turnedDown(draft, order);
  if (refusal) return refusal;
  const same = JSON.stringify(order.whom);
  const others = draft.line.pins.filter(({ whom }) => JSON.stringify(whom) !== same);
  const made = {
    whom: order.whom,
    version: order.revision,
    by: order.by,
    reason: order.reason ?? 'no reason given',
    ...(order.until !== undefined && { until: order.until }),
  };
  draft.update({ pins: [made, ...others] });
  draft.event({ what: 'pinned', ...named(order.whom), revision: order.revision, ...who(order) });
  return undefined;
}

/**
 * A pin starts nothing that was rejected, nor what the line turned down before it came there: that wants `retry`, by which canaries get it
 * first. Whoever has it already may be pinned to it.
 */
function turnedDown(draft: Draft, { whom, revision }: Extract<Command, { kind: 'pin' }>) {
  const { placement, clusters } = draft.facts;
  const version = draft.versions.get(revision)!;
  const given = clusters.filter((one) => isAmong(whom, one) && version.contents.has(one.name));
  const barred = given.flatMap(({ name }) => {
    const has = publishedDigest(draft.target(name)?.run) === version.contents.get(name)!.digest;
    return !has && isBarred(draft, name, version) ? [name] : [];
  });
  if (barred.length === 0) return undefined;
  const short = revision.slice(0, 7);
  const others = barred.length < given.length ? '; or pin the others by themselves' : '';
  return refuse(
    'rejected',
    `what ${short} gives ${few(barred)} ${whyBarred(draft, revision)}: ${wayOn(draft, `${placement}@${short}`, revision)}${others}`,
  );
}

function whyBarred({ line }: Draft, revision: string): string {
  if (line.aborted.includes(revision)) return 'was aborted';
  return isRegressed({ line }, revision) ? 'has regressed' : 'was rejected';
}

function wayOn({ line }: Draft, alias: string, revision: string): string {
  if (isRegressed({ line }, revision)) return `\`flotilla rollout resume ${alias}\` accepts that`;
  const way = `\`flotilla rollout retry ${alias}\` lifts that`;
  return line.rollback ? `once the rollback has ended, ${way}` : way;
}

export function unpin(draft: Draft, order: Extract<Command, { kind: 'unpin' }>): Refused | undefined {
  const same = JSON.stringify(order.whom);
  const others = draft.line.pins.filter(({ whom }) => JSON.stringify(whom) !== same);
  if (others.length === draft.line.pins.length)
    return refuse('nothing-to-do', `there is no such pin on ${draft.facts.placement}`);
  draft.update({ pins: others });
  draft.event({ what: 'unpinned', ...named(order.whom), ...who(order) });
  return undefined;
}

const named = (whom: Whom) => ('cluster' in whom ? { cluster: whom.cluster } : {});
