import { isDeepStrictEqual } from 'node:util';
import type { Assignment } from '#proto/assignment.ts';
import { displayName, type KubeObject } from '#render/objects.ts';
import type { Renderer } from '#render/renderer.ts';
import { type Outcome, type RenderAll, renderAll } from './rendering.ts';

/** What two engines made of the overlays of a fleet; `apart` counts what one of them does not do at all. */
export type EngineCheck = { same: number; refused: number; apart: number; differences: string[] };

/** Renders assignments with both engines and compares objects, order included. Both refusing counts as the same. */
export async function checkEngines(
  assignments: readonly Assignment[],
  native: Renderer,
  kustomize: Renderer,
  around: Omit<RenderAll, 'renderer'>,
  signal: AbortSignal,
): Promise<EngineCheck> {
  const own = await renderAll(assignments, { ...around, renderer: native }, signal);
  const theirs = await renderAll(assignments, { ...around, renderer: kustomize }, signal);
  const check: EngineCheck = { same: 0, refused: 0, apart: 0, differences: [] };
  for (const assignment of assignments) {
    const [mine, other] = [own.get(assignment)!, theirs.get(assignment)!];
    if (isUnsupported(mine) || isUnsupported(other)) check.apart++;
    else if ('error' in mine && 'error' in other) check.refused++;
    else {
      const why = difference(mine, other);
      if (why === undefined) check.same++;
      else
        check.differences.push(
          `${assignment.placement} on ${assignment.cluster} (${assignment.path || '.'}): ${why}`,
        );
    }
  }
  return check;
}

function isUnsupported(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error.code === 'render-unsupported';
}

/** In words, without any value of an object. */
function difference(native: Outcome, kustomize: Outcome): string | undefined {
  if ('error' in native)
    return 'error' in kustomize ? undefined : `native alone refuses: ${native.error.message}`;
  if ('error' in kustomize) return `kustomize alone refuses: ${kustomize.error.message}`;
  const [own, theirs] = [native.rendered.objects, kustomize.rendered.objects];
  if (isDeepStrictEqual(own, theirs)) return undefined;
  const names = (objects: readonly KubeObject[]) => objects.map(displayName);
  if (!isDeepStrictEqual(names(own), names(theirs)))
    return `native renders ${names(own).join(', ')}; kustomize ${names(theirs).join(', ')}`;
  return `differ in ${own
    .filter((object, index) => !isDeepStrictEqual(object, theirs[index]))
    .map(displayName)
    .join(', ')}`;
}
