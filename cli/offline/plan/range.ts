import type { Checkout, Revision } from '#git/local/checkout.ts';
import { FlotillaError } from '#proto/faults.ts';
import { EMPTY_TREE, fleetRoot, type Side, sideOf } from '../side.ts';

/** Two moments of a fleet repo. */
export type Range = { readonly from: Side; readonly to: Side };

const NOTHING: Revision = { name: 'nothing', tree: EMPTY_TREE };

/**
 * What a range means, as in Git: `A..B`, `A...B` (from where B left A), `A..` up to HEAD, `A` up to the work tree. Without one it is
 * what a person has in hand: HEAD up to the work tree where that differs, else the newest commit.
 * @throws FlotillaError revision-unknown, git-local-failed
 */
export async function rangeOf(
  checkout: Checkout,
  range: string | undefined,
  signal: AbortSignal,
): Promise<Range> {
  const [from, to] = await ends(checkout, range, signal);
  const root = await fleetRoot(checkout.objects, to.tree, checkout.prefix, signal);
  return {
    from: await sideOf(checkout, from, root, signal),
    to: await sideOf(checkout, to, root, signal),
  };
}

async function ends(
  checkout: Checkout,
  range: string | undefined,
  signal: AbortSignal,
): Promise<[from: Revision, to: Revision]> {
  if (range === undefined) return inHand(checkout, signal);
  const parts = /^(.*?)(\.{2,3})(.*)$/.exec(range);
  if (!parts) return [await checkout.revision(range, signal), await checkout.workTree(signal)];
  const [, from, dots, to] = parts;
  const [a, b] = [from || 'HEAD', to || 'HEAD'];
  const start = dots === '...' ? checkout.mergeBase(a, b, signal) : checkout.revision(a, signal);
  return [await start, await checkout.revision(b, signal)];
}

async function inHand(checkout: Checkout, signal: AbortSignal): Promise<[Revision, Revision]> {
  if (!checkout.versioned)
    throw new FlotillaError(
      'revision-unknown',
      `${checkout.top} is in no Git repository: there is nothing to compare with`,
    );
  const head = await checkout.head(signal);
  if (!head) return [NOTHING, await checkout.workTree(signal)];
  if (checkout.top !== undefined) {
    const now = await checkout.workTree(signal);
    if (now.tree !== head.tree) return [head, now];
  }
  return [head.commit?.parents.length === 0 ? NOTHING : await checkout.revision('HEAD~1', signal), head];
}
