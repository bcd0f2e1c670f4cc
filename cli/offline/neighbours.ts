import { policyOf } from '#proto/assignment.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Sourced } from '#proto/documents/read.ts';
import { FlotillaError } from '#proto/faults.ts';
import { someOf } from '#proto/fleet-checks/finding.ts';
import type { Problem } from '#proto/problems.ts';
import { displayName, type KubeObject } from '#render/objects.ts';
import { type DefinedKinds, definedKinds, isNamespaced } from '#render/scope.ts';
import { checkTenancy } from '#render/tenancy.ts';
import type { Outcome } from './rendering.ts';

/** An assignment with what became of it. */
export type RenderedRow = {
  readonly cluster: string;
  readonly placement: Sourced<Placement>;
  /** One object for all assignments that render the same. */
  readonly outcome: Outcome;
};

/**
 * What only rendering shows: overlays that fail, objects outside of what their placement allows, and objects that two placements
 * render on one cluster. The same problem of many clusters is told once, with their names.
 */
export function checkRendered(rows: readonly RenderedRow[], fleet: Fleet): Problem[] {
  const found = new Map<string, { problem: Problem; clusters: string[] }>();
  const tell = (cluster: string, problem: Problem) => {
    const key = [problem.code, problem.placement, problem.message].join('\0');
    const known = found.get(key);
    if (known) known.clusters.push(cluster);
    else found.set(key, { problem, clusters: [cluster] });
  };
  const byCluster = Map.groupBy(rows, ({ cluster }) => cluster);
  const known = new Map<string, Map<Outcome, ReadonlyMap<string, KubeObject>>>();
  const definitions = new Map<Outcome, DefinedKinds>();
  const definitionsIn = (outcome: Outcome): DefinedKinds => {
    const found =
      definitions.get(outcome) ?? definedKinds('rendered' in outcome ? outcome.rendered.objects : []);
    definitions.set(outcome, found);
    return found;
  };
  for (const [cluster, own] of byCluster) {
    const defined = new Map(own.flatMap(({ outcome }) => [...definitionsIn(outcome)]));
    // The same objects have the same identities where the same kinds are defined.
    const world = JSON.stringify([...defined].sort());
    const ids = known.get(world) ?? new Map<Outcome, ReadonlyMap<string, KubeObject>>();
    known.set(world, ids);
    const owners = new Map<string, Sourced<Placement>>();
    for (const { placement, outcome } of own) {
      if ('error' in outcome) {
        tell(cluster, atPlacement(placement, outcome.error));
        continue;
      }
      const refused = tenancyFault(outcome.rendered.objects, placement.document, fleet, defined);
      if (refused) tell(cluster, atPlacement(placement, refused, ['spec', 'allow']));
      let objects = ids.get(outcome);
      if (!objects) {
        objects = new Map(outcome.rendered.objects.map((object) => [identityOf(object, defined), object]));
        ids.set(outcome, objects);
      }
      for (const [id, object] of objects) {
        const other = owners.get(id);
        if (other) tell(cluster, conflict(object, other, placement));
        else owners.set(id, placement);
      }
    }
  }
  return [...found.values()].map(({ problem, clusters }) => ({
    ...problem,
    message: `${problem.message}; on ${clusters.length > 1 ? 'clusters' : 'cluster'} ${someOf(clusters)}`,
    ...(clusters.length === 1 && { cluster: clusters[0]! }),
  }));
}

function conflict(object: KubeObject, first: Sourced<Placement>, second: Sourced<Placement>): Problem {
  const [one, other] = [first, second].sort((a, b) => (a.file < b.file ? -1 : 1)) as [
    typeof first,
    typeof first,
  ];
  const message = `${displayName(object)} is rendered by ${one.file} and by ${other.file}`;
  return atPlacement(other, new FlotillaError('object-conflict', message));
}

function tenancyFault(
  objects: readonly KubeObject[],
  placement: Placement,
  fleet: Fleet,
  defined: DefinedKinds,
): FlotillaError | undefined {
  const { allow } = policyOf(fleet, placement);
  try {
    const scoped = objects.map((object) => ({ object, namespaced: isNamespaced(object, defined) }));
    checkTenancy(placement.metadata.name, scoped, allow);
    return undefined;
  } catch (error) {
    if (error instanceof FlotillaError) return error;
    throw error;
  }
}

/** Where a line is known it stands there, else at a field of the placement. */
function atPlacement(
  { file, document, locate, quote }: Sourced<Placement>,
  { code, message, source }: FlotillaError,
  path: readonly string[] = ['spec', 'path'],
): Problem {
  const part = path.at(-1) === 'allow' ? 'key' : undefined;
  return {
    code,
    severity: 'error',
    placement: document.metadata.name,
    ...(source?.line !== undefined
      ? { message, source }
      : { message: `${file}: ${message}`, source: locate(path, part), text: quote(path, part) }),
  };
}

/** What two placements cannot both own: the version does not matter, nor a namespace where there is none. */
function identityOf(object: KubeObject, defined: DefinedKinds): string {
  const { apiVersion, kind, metadata } = object;
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const namespace = isNamespaced(object, defined) ? (metadata.namespace ?? '') : '';
  return [group, kind, namespace, metadata.name].join('/');
}
