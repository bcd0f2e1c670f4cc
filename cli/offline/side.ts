import type { Checkout, Revision } from '#git/local/checkout.ts';
import type { Commit, GitObjects } from '#git/objects.ts';
import { entryAt } from '#git/tree.ts';
import { FLEET_FILE } from '#proto/documents/kinds.ts';

/** A fleet repo at one moment: a revision, or the work tree. */
export type Side = {
  /** How people call it. */
  readonly name: string;
  /** The tree in which flotilla.yaml stands. */
  readonly tree: string;
  /** Where that is in the Git repository; `''` for its root. */
  readonly root: string;
  readonly commit?: Commit;
};

/** The tree without anything in it: every repository has it. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** The revision named, or the work tree. The fleet is looked for from the directory of the checkout upwards. */
export async function sideAt(
  checkout: Checkout,
  rev: string | undefined,
  signal: AbortSignal,
): Promise<Side> {
  const revision = await (rev === undefined ? checkout.workTree(signal) : checkout.revision(rev, signal));
  const root = await fleetRoot(checkout.objects, revision.tree, checkout.prefix, signal);
  return sideOf(checkout, revision, root, signal);
}

/** A revision with the fleet at a root that is known; a root that is not there yet is empty. */
export async function sideOf(
  { objects }: Checkout,
  { tree, ...revision }: Revision,
  root: string,
  signal: AbortSignal,
): Promise<Side> {
  const found = await entryAt(objects, tree, root, signal);
  return { ...revision, root, tree: found?.mode === 'tree' ? found.oid : EMPTY_TREE };
}

/** The nearest directory, from one upwards, that holds flotilla.yaml; the root of the tree where none does. */
export async function fleetRoot(
  objects: GitObjects,
  tree: string,
  from: string,
  signal: AbortSignal,
): Promise<string> {
  const parts = from.split('/').filter(Boolean);
  for (let depth = parts.length; depth > 0; depth--) {
    const directory = parts.slice(0, depth).join('/');
    const entry = await entryAt(objects, tree, `${directory}/${FLEET_FILE}`, signal);
    if (entry && entry.mode !== 'tree') return directory;
  }
  return '';
}
