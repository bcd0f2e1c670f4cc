import type { GitObjects } from '#git/objects.ts';
import { checkAssignments, resolveAll } from '#proto/fleet-checks/assignments.ts';
import { overlaysOf } from '#proto/fleet-checks/overlays.ts';
import { type FleetModel, judgeFleet } from '#proto/fleet-model.ts';
import { byPlace, type Problem } from '#proto/problems.ts';
import { NodeCache } from '#render/closure.ts';
import type { Renderer } from '#render/renderer.ts';
import { type DocumentFiles, readDocuments } from './documents.ts';
import { checkRendered } from './neighbours.ts';
import { checkOverlays } from './overlays.ts';
import { renderAll } from './rendering.ts';

export type Validation = {
  readonly model: FleetModel;
  readonly documents: DocumentFiles;
  /** All errors and warnings, by file, line and column. */
  readonly problems: Problem[];
  readonly cache: NodeCache;
};

/** Everything that can be known of a fleet repo without rendering it. Never throws for what a file says. */
export async function validateTree(
  objects: GitObjects,
  tree: string,
  signal: AbortSignal,
): Promise<Validation> {
  const documents = await readDocuments(objects, tree, new Map(), signal);
  const model = judgeFleet([...documents.values()].map(({ read }) => read));
  const cache = new NodeCache();
  const problems = [
    ...model.problems,
    ...checkAssignments(model),
    ...(await checkOverlays(objects, tree, overlaysOf(model), cache, signal)),
  ];
  return { model, documents, problems: problems.sort(byPlace), cache };
}

export type RenderWith = { readonly renderer: Renderer; progress(done: number, all: number): void };

/** What only rendering shows (see `checkRendered`), without what was told before; sorted in among it. */
export async function withRendered(
  objects: GitObjects,
  tree: string,
  { model, problems, cache }: Validation,
  renderWith: RenderWith,
  signal: AbortSignal,
): Promise<Problem[]> {
  const fleet = model.fleet?.document;
  if (!fleet) return problems;
  const resolved = [...resolveAll(model)].flatMap(({ placement, cluster, resolution }) =>
    'assignment' in resolution ? [{ placement, cluster, assignment: resolution.assignment }] : [],
  );
  const outcomes = await renderAll(
    resolved.map(({ assignment }) => assignment),
    { objects, tree, cache, ...renderWith },
    signal,
  );
  const rows = resolved.map(({ placement, cluster, assignment }) => {
    return { cluster: cluster.document.metadata.name, placement, outcome: outcomes.get(assignment)! };
  });
  const told = new Set(problems.map(({ code, placement }) => `${code} ${placement}`));
  const more = checkRendered(rows, fleet).filter(({ code, placement }) => !told.has(`${code} ${placement}`));
  return [...problems, ...more].sort(byPlace);
}
