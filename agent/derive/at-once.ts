import { type Policy, policyOf } from '#proto/assignment.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Fault } from '#proto/faults.ts';
import { approvalsFor, type EntryState, entryState } from '../core/entry.ts';
import type { FleetReader, Found } from './fleet-reader.ts';

/** What is in force at once, without a rollout: read at the newest verified head. */
export type AtOnce = {
  /** Undefined before anything was read. */
  revision: string | undefined;
  entry: EntryState;
  /** By placement; of one that is gone or invalid, what was read last stays in force. */
  policies: ReadonlyMap<string, Policy>;
  approvals: ReadonlyMap<string, readonly string[]>;
  /** No version from an older revision is started: `trust.notBefore` of the Fleet. */
  notBefore: string | undefined;
  /** Of documents that cannot be read. */
  faults: readonly Fault[];
};

export type AtOnceQuestion = {
  cluster: string;
  publicKey: string;
  /** Where to read, best first: the highest tip seen, then the head that the hub names. All are on the branch. */
  revisions: readonly string[];
  placements: Iterable<string>;
  before: AtOnce;
  /** Unix ms. */
  now: number;
};

/** Nothing read yet; what is given may come from an earlier run. */
export function remembered(
  entry: EntryState,
  policies: ReadonlyMap<string, Policy>,
  notBefore?: string,
): AtOnce {
  return { revision: undefined, entry, policies, approvals: new Map(), notBefore, faults: [] };
}

/**
 * Reads entry, Fleet and placements. A document that is invalid at the first revision is taken from the next one, and failing that
 * from what was known before, with a fault; an entry that is *absent* at the first one is gone.
 * @throws what Git throws; then what was known before stays in force
 */
export async function readAtOnce(
  reader: FleetReader,
  question: AtOnceQuestion,
  signal: AbortSignal,
): Promise<AtOnce> {
  const { cluster, publicKey, before, now } = question;
  const faults: Fault[] = [];
  const newest = question.revisions[0]!;
  const fleet = await firstValid(question, faults, (revision) => reader.fleet(revision, signal));
  const entry = await firstValid(question, faults, (revision) => reader.cluster(revision, cluster, signal));
  const policies = new Map<string, Policy>();
  const approvals = new Map<string, readonly string[]>();
  // All at once: what has to be fetched travels together.
  const read = [...new Set(question.placements)].map(async (name) => {
    const own: Fault[] = [];
    const found = await firstValid(question, own, (revision) => reader.placement(revision, name, signal));
    return { name, document: found?.document, own };
  });
  for (const { name, document, own } of await Promise.all(read)) {
    faults.push(...own);
    const policy =
      fleet?.document && document ? policyOf(fleet.document, document) : before.policies.get(name);
    if (policy) policies.set(name, policy);
    approvals.set(name, approvalsFor(name, fleet?.document, document, now));
  }
  const notBefore = fleet?.document ? fleet.document.spec.trust?.notBefore : before.notBefore;
  const state = judge(entry, newest, publicKey, before);
  return { revision: newest, entry: state, policies, approvals, notBefore, faults };
}

type Chosen<T> = { document: T | undefined; revision: string };

function judge(
  entry: Chosen<Cluster> | undefined,
  newest: string,
  publicKey: string,
  before: AtOnce,
): EntryState {
  if (!entry) return before.entry;
  if (!entry.document) return { state: 'missing', revision: newest };
  return entryState(entry.document, publicKey, entry.revision);
}

/** The first revision at which the document is valid or absent; undefined when it is invalid at all. */
async function firstValid<T extends Cluster | Fleet | Placement>(
  { revisions }: AtOnceQuestion,
  faults: Fault[],
  read: (revision: string) => Promise<Found<T>>,
): Promise<Chosen<T> | undefined> {
  for (const [index, revision] of revisions.entries()) {
    const found = await read(revision);
    if (found.state === 'valid') return { document: found.document, revision };
    if (found.state === 'absent') return { document: undefined, revision };
    if (index > 0) continue;
    for (const { code, message, source } of found.problems) faults.push({ code, message, source });
  }
  return undefined;
}
