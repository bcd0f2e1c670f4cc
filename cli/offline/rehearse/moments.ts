import type { Checkout } from '#git/local/checkout.ts';
import type { Commit, GitObjects } from '#git/objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { fleetAt } from '../fleet.ts';

/** A fleet repo at a commit of the branch that is rehearsed. */
export type Moment = {
  readonly commit: Commit;
  /** Tree in which flotilla.yaml stands. */
  readonly tree: string;
  /** How people call it. */
  readonly name: string;
  readonly model: FleetModel;
  /** Names and addresses of everybody who wrote a commit since the moment before. */
  readonly authors: readonly string[];
};

/** History further back than this is not looked at. */
const MOST_COMMITS = 10_000;

/**
 * The revisions of a rehearsal in the order given, each read, and each newer than the one before; the second may be the first: then
 * nothing changes.
 * @throws FlotillaError revision-unknown where one is not, or is not known
 */
export async function readMoments(
  checkout: Checkout,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Moment[]> {
  const moments: Moment[] = [];
  for (const name of names) {
    const before = moments.at(-1);
    const { side, model } = await fleetAt(checkout, name, signal, before?.model);
    const commit = side.commit!;
    const isSame = moments.length === 1 && before!.commit.oid === commit.oid;
    const authors =
      before && !isSame ? await authorsBetween(checkout.objects, before, commit, name, signal) : [];
    moments.push({ commit, tree: side.tree, name: side.name, model, authors });
  }
  return moments;
}

async function authorsBetween(
  objects: GitObjects,
  before: Moment,
  tip: Commit,
  name: string,
  signal: AbortSignal,
): Promise<string[]> {
  const authors = new Set<string>();
  const seen = new Set([tip.oid]);
  let found = false;
  for (const oid of seen) {
    if (oid === before.commit.oid) {
      found = true;
      continue;
    }
    if (seen.size > MOST_COMMITS) break;
    const { author, parents } = await objects.readCommit(oid, signal);
    authors.add(author.name).add(author.email);
    // What merges bring in was written since, up to where it left the branch.
    for (const parent of found ? [] : parents) seen.add(parent);
  }
  if (found && tip.oid !== before.commit.oid) return [...authors];
  throw new FlotillaError(
    'revision-unknown',
    tip.oid === before.commit.oid
      ? `revision ${name} is ${before.name}: there is nothing to rehearse`
      : `revision ${name} is not newer than ${before.name}: a branch goes forward only`,
  );
}
