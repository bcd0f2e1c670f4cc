import type { Placement } from '../documents/placement.ts';
import type { Sourced } from '../documents/read.ts';
import { didYouMean, type Problem } from '../problems.ts';
import { type Labels, matches } from '../selector.ts';
import { resolveAll } from './assignments.ts';
import { type Documents, nameOf } from './context.ts';
import { someOf } from './finding.ts';

/** A directory that a placement names, for the clusters given. */
export type OverlayUse = {
  path: string;
  placement: Sourced<Placement>;
  /** Where it stands in the placement. */
  at: readonly PropertyKey[];
  clusters: string[];
};

/** What is known of the tree. Whoever reads it asynchronously looks up the paths of `overlaysOf` before. */
export type Directories = {
  exists(path: string): boolean;
  /** Names of the directories below a directory, for suggestions. */
  below?(path: string): readonly string[];
};

/** Every directory that assignments name, once for each placement, in order of placements and clusters. */
export function overlaysOf(documents: Documents): OverlayUse[] {
  const uses = new Map<string, OverlayUse>();
  const use = (placement: Sourced<Placement>, path: string, at: readonly PropertyKey[], cluster: string) => {
    const key = [nameOf(placement), at.join('.'), path].join(' ');
    const known = uses.get(key);
    if (known) known.clusters.push(cluster);
    else uses.set(key, { path, placement, at, clusters: [cluster] });
  };
  for (const { placement, cluster, resolution } of resolveAll(documents)) {
    if ('faults' in resolution) continue;
    const { assignment } = resolution;
    use(placement, assignment.path, ['spec', 'path'], nameOf(cluster));
    const selected = selectedComponents(placement.document, cluster.document.metadata.labels ?? {});
    for (const [position, path] of assignment.components.entries())
      use(placement, path, ['spec', 'components', selected[position]!, 'path'], nameOf(cluster));
  }
  return [...uses.values()];
}

/** Indexes of the components that labels select: those of `components` of an assignment, in the same order. */
function selectedComponents({ spec }: Placement, labels: Labels): number[] {
  return (spec.components ?? []).flatMap(({ selector = {} }, index) =>
    matches(selector, labels) ? [index] : [],
  );
}

/** Directories that do not exist, each one error that names the clusters. */
export function missingOverlays(uses: Iterable<OverlayUse>, directories: Directories): Problem[] {
  const problems: Problem[] = [];
  for (const { path, placement, at, clusters } of uses) {
    if (directories.exists(path)) continue;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const near = didYouMean(path.slice(parent.length).replace('/', ''), directories.below?.(parent) ?? []);
    const meant = near === undefined ? '' : `; did you mean ${parent === '' ? near : `${parent}/${near}`}?`;
    const who = `${clusters.length > 1 ? 'clusters' : 'cluster'} ${someOf(clusters, 5)}`;
    problems.push({
      code: 'overlay-missing',
      severity: 'error',
      message: `${placement.file}: directory ${path} does not exist, which placement ${nameOf(placement)} needs for ${who}${meant}`,
      source: placement.locate(at),
      text: placement.quote(at),
      ...(near !== undefined && { suggestion: parent === '' ? near : `${parent}/${near}` }),
      placement: nameOf(placement),
      ...(clusters.length === 1 && { cluster: clusters[0]! }),
    });
  }
  return problems;
}
