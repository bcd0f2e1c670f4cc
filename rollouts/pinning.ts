import type { Draft } from './draft.ts';
import { few } from './failing.ts';
import { isAmong } from './membership.ts';
import { type Command, type Refused, refuse, who } from './order.ts';
import { isRejected } from './replan.ts';
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
  const refusal = allRejected(draft, order);
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

/** A pin that no cluster would follow: what was rejected somewhere starts there only after `retry`. */
function allRejected(draft: Draft, { whom, revision }: Extract<Command, { kind: 'pin' }>) {
  const { placement, clusters } = draft.facts;
  const digestOf = (name: string) => draft.versions.content(revision, name)?.digest;
  const given = clusters.filter((one) => isAmong(whom, one) && digestOf(one.name) !== undefined);
  if (given.length === 0 || given.some(({ name }) => !isRejected(draft, name, digestOf(name)!))) return;
  const [names, short] = [few(given.map(({ name }) => name)), revision.slice(0, 7)];
  return refuse(
    'nothing-to-do',
    `what ${short} gives ${names} was rejected there; \`flotilla rollout retry ${placement}@${short}\` lifts that`,
  );
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
