import { didYouMean } from '#proto/problems.ts';
import { matches } from '#proto/selector.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { Whom } from '#rollouts/state.ts';
import type { Touched } from '../access/judge.ts';
import { type Asked, expiryOf, reasonOf, sameWhom, selectorOf, textOf, whomOf } from './asked.ts';
import type { Desk } from './desk.ts';
import { Declined, invalid, notFound, type Outcome } from './types.ts';

/** How many clusters an order concerns today. */
export type Affected = { readonly affectedClusters: number };
type Answer = Promise<Outcome<Affected>>;
type Why = { readonly reason: string };
type Until = Why & { readonly expiresAt: number };

/** Brings clusters to the version of a placement that was in force at a commit of the branch, and keeps them there. */
export function pin(desk: Desk, asked: Asked & Until & { placement: string; revision: string }): Answer {
  return desk.answer(async ({ subject: by }) => {
    const { placement } = asked;
    const reason = reasonOf(asked.reason);
    const until = expiryOf(asked.expiresAt, desk.known.now);
    const whom = whomOf(asked);
    const touched = desk.placement(placement);
    const given = clustersWith(desk, placement);
    const affected = namesOf(desk, whom).filter((name) => given.has(name));
    const order = { kind: 'pin', whom, revision: asked.revision, by, reason, until } as const;
    await desk.demand('pin', { placement: touched, on: onOf(desk, whom) }, { placement, order });
    if (affected.length === 0)
      throw invalid('selector-invalid', 'selector', `${textOf(whom)}: ${placement} is on no such cluster`);
    const revision = versionAt(desk, placement, asked.revision);
    await desk.order({ placement, order: { ...order, revision } }, 'pin');
    return { affectedClusters: affected.length };
  });
}

export function unpin(desk: Desk, asked: Asked & Why & { placement: string }): Answer {
  return desk.answer(async ({ subject: by }) => {
    const { placement } = asked;
    const reason = reasonOf(asked.reason);
    const whom = whomOf(asked);
    const order = { kind: 'unpin', whom, by, reason } as const;
    const touched = { placement: desk.placement(placement), on: onOf(desk, whom) };
    await desk.demand('pin', touched, { placement, order });
    const pins = desk.known.rollouts.line(placement)?.pins ?? [];
    const kept = keptAs(whom, pins, `no pin of ${placement} on`);
    const given = clustersWith(desk, placement);
    const affected = namesOf(desk, kept, true).filter((name) => given.has(name));
    await desk.order({ placement, order: { ...order, whom: kept } }, 'pin');
    return { affectedClusters: affected.length };
  });
}

/** Nothing new starts on these clusters, whatever runs there. */
export function freeze(desk: Desk, asked: Until & { selector: string }): Answer {
  return desk.answer(async ({ subject: by }) => {
    const reason = reasonOf(asked.reason);
    const until = expiryOf(asked.expiresAt, desk.known.now);
    const whom = { selector: selectorOf(asked.selector) };
    const affected = namesOf(desk, whom);
    const command = { kind: 'freeze', whom, by, reason, until } as const;
    await desk.demand('freeze', { on: whom }, command);
    if (affected.length === 0)
      throw invalid('selector-invalid', 'selector', `selector ${textOf(whom)} selects no cluster`);
    await desk.order(command, 'freeze');
    return { affectedClusters: affected.length };
  });
}

export function unfreeze(desk: Desk, asked: Why & { selector: string }): Answer {
  return desk.answer(async ({ subject: by }) => {
    const reason = reasonOf(asked.reason);
    const whom = { selector: selectorOf(asked.selector) };
    const command = { kind: 'unfreeze', whom, by, reason } as const;
    await desk.demand('freeze', { on: whom }, command);
    const kept = keptAs(whom, desk.known.rollouts.state.freezes, 'no freeze of');
    await desk.order({ ...command, whom: kept }, 'freeze');
    return { affectedClusters: namesOf(desk, kept, true).length };
  });
}

/** Nothing is written on a cluster. */
export const hold = (desk: Desk, asked: Until & { cluster: string }): Answer =>
  desk.answer(async ({ subject: by }) => {
    const reason = reasonOf(asked.reason);
    const until = expiryOf(asked.expiresAt, desk.known.now);
    await orderCluster(desk, { kind: 'hold', cluster: asked.cluster, by, reason, until });
    return { affectedClusters: 1 };
  });

export const release = (desk: Desk, asked: Why & { cluster: string }): Answer =>
  desk.answer(async ({ subject: by }) => {
    const reason = reasonOf(asked.reason);
    await orderCluster(desk, { kind: 'release', cluster: asked.cluster, by, reason });
    return { affectedClusters: 1 };
  });

/** Ends a Recovered start: what it has paused goes on. */
export const resumeHub = (desk: Desk, asked: Why): Answer =>
  desk.answer(async ({ subject: by }) => {
    const reason = reasonOf(asked.reason);
    const everybody = { selector: {} };
    const command = { kind: 'resumeRecovered', by, reason } as const;
    await desk.demand('admin', { on: everybody }, command);
    await desk.order(command, 'admin');
    return { affectedClusters: namesOf(desk, everybody).length };
  });

async function orderCluster(
  desk: Desk,
  command: Extract<FleetCommand, { readonly cluster: string }>,
): Promise<void> {
  const { cluster } = command;
  namesOf(desk, { cluster });
  await desk.demand('hold', { on: desk.clusters([cluster]) }, command);
  await desk.order(command, 'hold');
}

const onOf = (desk: Desk, whom: Whom): Touched['on'] =>
  'cluster' in whom ? desk.clusters([whom.cluster]) : whom;

/** The clusters of today that are meant. @throws Declined for a name that no cluster has, unless it may be gone */
function namesOf({ known }: Desk, whom: Whom, mayBeGone = false): string[] {
  const clusters = known.index?.clusters ?? new Map();
  if (!('cluster' in whom))
    return [...clusters].flatMap(([name, { document }]) =>
      matches(whom.selector, document.metadata.labels ?? {}) ? [name] : [],
    );
  if (clusters.has(whom.cluster)) return [whom.cluster];
  if (mayBeGone) return [];
  const near = didYouMean(whom.cluster, [...clusters.keys()]);
  throw notFound(
    'unknown-cluster',
    `there is no cluster ${whom.cluster}${near ? `; did you mean ${near}?` : ''}`,
  );
}

/** Clusters that some version still known gives the placement. */
function clustersWith({ known }: Desk, placement: string): Set<string> {
  const versions = known.rollouts.view(placement)?.facts.versions ?? [];
  return new Set(versions.flatMap(({ contents }) => [...contents.keys()]));
}

/** The name of the version that was in force at a commit. */
function versionAt({ known }: Desk, placement: string, revision: string): string {
  const versions = new Set(known.rollouts.view(placement)?.facts.versions.map((one) => one.revision));
  if (versions.has(revision)) return revision;
  const commits = known.index?.commits ?? [];
  const at = commits.findIndex(({ oid }) => oid === revision);
  if (at < 0)
    throw notFound(
      'unknown-version',
      `${revision.slice(0, 12)} is no commit of the branch, as far as it is known`,
    );
  const found = commits.slice(at).find(({ oid }) => versions.has(oid));
  if (found) return found.oid;
  throw notFound('unknown-version', `no version of ${placement} is known at ${revision.slice(0, 12)}`);
}

/** A standing order as it was given, found by what it means. */
function keptAs(whom: Whom, orders: readonly { readonly whom: Whom }[], none: string): Whom {
  const found = orders.find((one) => sameWhom(one.whom, whom));
  if (found) return found.whom;
  const others = orders.map((one) => textOf(one.whom));
  const there = others.length > 0 ? `; there is one of ${others.join(', and of ')}` : '';
  throw new Declined({
    kind: 'Conflict',
    code: 'nothing-to-do',
    message: `there is ${none} ${textOf(whom)}${there}`,
  });
}
