import type { GitObjects } from '#git/objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import { FlotillaError } from '#proto/faults.ts';
import { type ClosureLimits, NodeCache, readFiles } from './closure.ts';
import { type AssignmentClosure, digestOf } from './digest.ts';
import { checkObjects, expandLists, type KubeObject, renderHash, withNamespace } from './objects.ts';
import type { Renderer, RenderInput } from './renderer.ts';
import { fileOf, keepFile } from './sources.ts';
import { substituteValues } from './values.ts';

export type RenderRequest = {
  objects: GitObjects;
  rootTree: string;
  assignment: Assignment;
  renderer: Renderer;
  cache?: NodeCache;
  limits?: Partial<ClosureLimits>;
};

export type Rendered = {
  /** In the order of kustomize; the Namespace of `createNamespace` first. */
  objects: KubeObject[];
  /** The file in the repository that each object comes from, in the same order; null where nobody knows. */
  sources: (string | null)[];
  digest: string;
  renderHash: string;
  closure: AssignmentClosure;
};

/**
 * From an assignment and a tree to the objects that the cluster shall have: closure, rendering, values, checks, namespace.
 * Hub, agent and CLI all come through here. Equal digests render to equal objects.
 *
 * @throws FlotillaError whatever closure, renderer, values and checks refuse; render-empty when nothing is left to apply
 */
export async function renderAssignment(request: RenderRequest, signal: AbortSignal): Promise<Rendered> {
  const { objects: store, rootTree, assignment, renderer, cache = new NodeCache(), limits = {} } = request;
  const closure = await digestOf(store, rootTree, assignment, cache, signal);
  const { overlay, components } = closure;
  const files = await readFiles(store, [overlay, ...components], signal, limits);
  const rendered = await renderer.render(
    {
      path: overlay.path,
      components: components.map((component) => component.path),
      ...(assignment.namespace !== undefined && { namespace: assignment.namespace }),
      options: overlay.options,
      usesCharts: closure.usesCharts,
      ...(closure.usesCharts && { release: releaseOf(assignment) }),
      files,
      nodes: new Map([overlay, ...components].flatMap((one) => [...one.nodes])),
    },
    signal,
  );
  const name = assignment.path === '' ? 'the root of the repository' : assignment.path;
  const expanded = expandLists(rendered);
  const substituted = substituteValues(expanded, assignment.values, name);
  for (const [index, made] of substituted.entries()) keepFile(expanded[index], made);
  const checked = checkObjects(substituted, name);
  if (checked.length === 0)
    throw new FlotillaError('render-empty', `${name}: renders no object`, { source: { file: name } });
  const { namespace, createNamespace } = assignment;
  const objects = createNamespace && namespace !== undefined ? withNamespace(checked, namespace) : checked;
  const sources = objects.map((object) => fileOf(object) ?? null);
  return { objects, sources, digest: closure.digest, renderHash: renderHash(objects), closure };
}

function releaseOf({ values, kubeVersion, apiVersions }: Assignment): NonNullable<RenderInput['release']> {
  return { values, ...(kubeVersion !== undefined && { kubeVersion }), apiVersions };
}
