import type { GitObjects } from '#git/objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import type { FlotillaError } from '#proto/faults.ts';
import type { NodeCache } from '#render/closure.ts';
import { digestOf } from '#render/digest.ts';
import { type Rendered, renderAssignment } from '#render/render.ts';
import type { Renderer } from '#render/renderer.ts';
import { isContentFault } from './overlays.ts';

/** What became of an assignment; the same object for assignments of one digest. */
export type Outcome = { readonly rendered: Rendered } | { readonly error: FlotillaError };

export type RenderAll = {
  readonly objects: GitObjects;
  readonly tree: string;
  readonly cache: NodeCache;
  readonly renderer: Renderer;
  /** How many of how many are done. */
  progress(done: number, all: number): void;
};

const AT_ONCE = 4;

/** Renders assignments, those of one digest once. What cannot be rendered is an outcome too. */
export async function renderAll(
  assignments: readonly Assignment[],
  { objects, tree, cache, renderer, progress }: RenderAll,
  signal: AbortSignal,
): Promise<Map<Assignment, Outcome>> {
  const byDigest = new Map<string, Promise<Outcome>>();
  const outcomes = new Map<Assignment, Outcome>();
  let done = 0;
  const one = async (assignment: Assignment): Promise<Outcome> => {
    try {
      const { digest } = await digestOf(objects, tree, assignment, cache, signal);
      let outcome = byDigest.get(digest);
      if (!outcome) {
        outcome = caught(renderAssignment({ objects, rootTree: tree, assignment, renderer, cache }, signal));
        byDigest.set(digest, outcome);
      }
      return await outcome;
    } catch (error) {
      if (isContentFault(error)) return { error };
      throw error;
    }
  };
  const queue = assignments[Symbol.iterator]();
  const work = async () => {
    for (const assignment of queue) {
      outcomes.set(assignment, await one(assignment));
      progress(++done, assignments.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcomes;
}

async function caught(rendering: Promise<Rendered>): Promise<Outcome> {
  try {
    return { rendered: await rendering };
  } catch (error) {
    if (isContentFault(error)) return { error };
    throw error;
  }
}
