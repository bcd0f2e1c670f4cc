import type { GitObjects } from '#git/objects.ts';
import { type Assignment, assignmentDigest } from '#proto/assignment.ts';
import { hashOf } from '#proto/canonical.ts';
import { FlotillaError } from '#proto/faults.ts';
import { type Closure, closureNode, type NodeCache } from './closure.ts';

/** What an assignment reads and the digest over it. */
export type AssignmentClosure = AssignmentFiles & { readonly digest: string };

/** What an assignment reads. */
export type AssignmentFiles = {
  /** What its digest takes from files. */
  readonly nodes: {
    readonly root: string;
    readonly components: readonly string[];
    readonly charts: boolean;
  };
  readonly overlay: Closure;
  readonly components: readonly Closure[];
  readonly usesCharts: boolean;
  readonly dependsOnPlace: boolean;
  /** Of overlay and components together, sorted; see `Closure`. */
  readonly files: readonly string[];
  readonly watch: readonly string[];
  readonly directories: readonly string[];
};
type Place = Pick<Assignment, 'placement' | 'cluster' | 'path' | 'components'>;

/**
 * The digest of an assignment at a tree: over the closure nodes of its overlay and of its components in order, and over
 * what `assignmentDigest` takes from the assignment itself.
 * @throws FlotillaError what `closuresOf` throws
 */
export async function digestOf(
  objects: GitObjects,
  rootTree: string,
  assignment: Assignment,
  cache: NodeCache,
  signal: AbortSignal,
): Promise<AssignmentClosure> {
  const closure = await closuresOf(objects, rootTree, assignment, cache, signal);
  return { ...closure, digest: assignmentDigest(assignment, closure.nodes) };
}

/**
 * What an assignment reads at a tree, which depends on its path and components alone.
 *
 * @throws FlotillaError overlay-missing naming placement, cluster and directory; closure-invalid when the overlay is a
 *   component or a component is none; whatever `closureNode` throws
 */
export async function closuresOf(
  objects: GitObjects,
  rootTree: string,
  assignment: Place,
  cache: NodeCache,
  signal: AbortSignal,
): Promise<AssignmentFiles> {
  const read = (path: string) => closureOf(objects, rootTree, assignment, path, cache, signal);
  const overlay = await read(assignment.path);
  const components: Closure[] = [];
  for (const path of assignment.components) components.push(await read(path));
  const wrong = [overlay, ...components].find(
    (closure, index) => closure.kind !== (index === 0 ? 'Kustomization' : 'Component'),
  );
  if (wrong) {
    const expected = wrong === overlay ? 'a kustomization' : 'a component';
    const message = `${subject(assignment)}: ${wrong.path} is of kind ${wrong.kind}, but ${expected} is expected there`;
    throw new FlotillaError('closure-invalid', message, { source: { file: wrong.path } });
  }
  const all = [overlay, ...components];
  const usesCharts = all.some((closure) => closure.usesCharts);
  return {
    nodes: {
      root: rootNode(overlay, components),
      components: components.map((closure) => closure.node),
      charts: usesCharts,
    },
    overlay,
    components,
    usesCharts,
    dependsOnPlace: overlay.options.buildMetadata !== undefined || all.some((one) => one.dependsOnPlace),
    files: merged(all.map((closure) => closure.files)),
    watch: merged(all.map((closure) => closure.watch)),
    directories: merged(all.map((closure) => closure.directories)),
  };
}

async function closureOf(
  objects: GitObjects,
  rootTree: string,
  assignment: Place,
  path: string,
  cache: NodeCache,
  signal: AbortSignal,
): Promise<Closure> {
  try {
    return await closureNode(objects, rootTree, path, cache, signal);
  } catch (cause) {
    if (!(cause instanceof FlotillaError) || cause.code !== 'overlay-missing') throw cause;
    const message = `${subject(assignment)}: ${cause.message}`;
    throw new FlotillaError('overlay-missing', message, { cause, source: { file: path } });
  }
}

/** Objects that are annotated with the files they come from change when the files move: then paths enter after all. */
function rootNode(overlay: Closure, components: readonly Closure[]): string {
  const { buildMetadata } = overlay.options;
  const showsPaths = Array.isArray(buildMetadata) && buildMetadata.some((one) => one !== 'managedByLabel');
  if (!showsPaths) return overlay.node;
  const paths = [overlay, ...components].map((closure) => closure.files);
  return hashOf('flotilla-origins-v1', { node: overlay.node, paths });
}

const subject = ({ placement, cluster }: Place) => `placement ${placement} on cluster ${cluster}`;

const merged = (lists: readonly (readonly string[])[]) => [...new Set(lists.flat())].sort();
