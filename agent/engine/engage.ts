import { FlotillaError } from '#proto/faults.ts';
import { type KubeObject, type ObjectMeta, objectId, splitApiVersion } from '../core/object.ts';
import { conflictMessage, findConflicts, writeAhead } from '../core/plan.ts';
import { prepareAll, refuseDuplicates } from '../core/prepare.ts';
import type { Resource } from '../kube/discovery.ts';
import { KubeError } from '../kube/errors.ts';
import type { Context } from './context.ts';
import { metaOf } from './live.ts';
import { locate } from './locate.ts';
import type { PlacementState } from './placement-state.ts';
import type { Assignment } from './ports.ts';
import { errorOf, type ObjectError } from './tracked.ts';

/** An assignment made ready: prepared, placed, and known not to be claimed by anybody else. */
export type Engaged = {
  /** All of it, waiting and refused objects included. */
  objects: KubeObject[];
  ready: { object: KubeObject; resource: Resource }[];
  /** Their kind is defined by a CRD of the same set that is not established yet. */
  waiting: KubeObject[];
  refused: Map<string, ObjectError>;
  /** Of those that exist, as far as known before the first write. */
  live: Map<string, ObjectMeta>;
};

/**
 * Prepares and places an assignment, and takes down what the placement is to have: other placements respect it from now on.
 * @throws FlotillaError render-empty, render-refused, object-duplicate; KubeError when the API server cannot be asked for its kinds
 */
export async function intend(
  context: Context,
  state: PlacementState,
  { placement, objects }: Assignment,
  signal: AbortSignal,
): Promise<Engaged> {
  const { ready, waiting, refused } = await locate(context.kube, prepareAll(objects, placement), signal);
  const placed = [...ready.map(({ object }) => object), ...waiting, ...refused.map(({ object }) => object)];
  refuseDuplicates(placed, placement);
  context.wants.set(state.name, new Set(placed.map(objectId)));
  const errors = new Map(refused.map(({ object, error }) => [objectId(object), error]));
  return { objects: placed, ready, waiting, refused: errors, live: new Map() };
}

/**
 * Everything that comes before the first write of an apply: kinds are discovered and watched, what exists is read (at first contact
 * by LIST), conflicts are found.
 * @throws FlotillaError object-conflict (nothing was written), inventory-unreadable and all of `intend`; KubeError
 */
export async function engage(
  context: Context,
  state: PlacementState,
  assignment: Assignment,
  signal: AbortSignal,
): Promise<Engaged> {
  await context.book.load(context.life);
  const intended = await intend(context, state, assignment, signal);
  const refused = new Map(intended.refused);
  const ready = await watchKinds(context, intended.ready, refused, signal);
  await watchInventoryKinds(context, state.name, signal);
  const live = new Map<string, ObjectMeta>();
  const older = await inOtherVersions(context, intended.waiting, signal);
  const unknown = [...ready, ...older].filter(({ object }) => {
    const known = context.index.get(objectId(object));
    if (known) live.set(objectId(object), metaOf(known));
    return known === undefined;
  });
  for (const [id, meta] of await context.contact.of(unknown, signal)) live.set(id, meta);
  refuseConflicts(context, state, [...ready.map(({ object }) => object), ...intended.waiting], live);
  return { ...intended, ready, refused, live };
}

/**
 * Puts objects that saved state knows into the inventory as intended, where it does not name them: before one is deleted it is
 * confirmed by its label, as every intended entry. Kinds that are gone took their objects with them.
 */
export async function recall(
  context: Context,
  placement: string,
  known: readonly KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  await context.book.load(context.life);
  if (known.length === 0) return;
  const { ready } = await locate(context.kube, prepareAll(known, placement), signal);
  const objects = ready.map(({ object }) => object);
  await context.book.update(placement, (held) => writeAhead(held, objects), context.life);
}

/** What is not served in its version yet may exist in another one: it is contacted there. */
async function inOtherVersions(
  context: Context,
  waiting: readonly KubeObject[],
  signal: AbortSignal,
): Promise<Engaged['ready']> {
  const found: Engaged['ready'] = [];
  for (const object of waiting) {
    const { group, version } = splitApiVersion(object.apiVersion);
    const resource = await context.kube.discovery
      .anyVersion(group, version, object.kind, signal)
      .catch((error: unknown) => {
        if (error instanceof KubeError && error.code === 'kube-kind-unknown') return undefined;
        throw error;
      });
    if (resource) found.push({ object, resource });
  }
  return found;
}

/** Watches what is needed of each kind; one that may not be listed refuses its objects alone. */
async function watchKinds(
  context: Context,
  ready: Engaged['ready'],
  refused: Map<string, ObjectError>,
  signal: AbortSignal,
): Promise<Engaged['ready']> {
  const kinds = Map.groupBy(ready, ({ resource, object }) =>
    context.watches.keyOf(resource, object.metadata.namespace),
  );
  const watched = await Promise.all(
    [...kinds.values()].map(async (members) => {
      try {
        const [{ resource, object }] = members as [Engaged['ready'][number]];
        await context.watches.ensure(resource, object.metadata.namespace, signal);
        return members;
      } catch (error) {
        if (!(error instanceof KubeError) || error.code === 'kube-unreachable') throw error;
        for (const { object } of members) refused.set(objectId(object), errorOf(error));
        return [];
      }
    }),
  );
  return watched.flat();
}

/** What may have to be pruned must be known too. A kind that is gone took its objects with it. */
async function watchInventoryKinds(context: Context, placement: string, signal: AbortSignal): Promise<void> {
  const kinds = Map.groupBy(context.book.entries(placement), ({ group, kind, namespace }) =>
    context.watches.keyOf({ group, kind, namespaced: namespace !== undefined }, namespace),
  );
  for (const [first] of kinds.values()) {
    try {
      const { group, version, kind, namespace } = first!;
      const resource = await context.kube.discovery.anyVersion(group, version, kind, signal);
      await context.watches.ensure(resource, namespace, signal);
    } catch (error) {
      const bearable =
        error instanceof KubeError && error.code !== 'kube-unreachable' && error.code !== 'kube-failed';
      if (!bearable) throw error;
    }
  }
}

/** @throws FlotillaError object-conflict */
function refuseConflicts(
  context: Context,
  state: PlacementState,
  desired: readonly KubeObject[],
  live: ReadonlyMap<string, ObjectMeta>,
): void {
  const conflicts = findConflicts({
    placement: state.name,
    desired,
    inventory: context.book.entries(state.name),
    live,
    wants: context.wants,
    adopt: state.policy.adopt,
  });
  if (conflicts.length > 0)
    throw new FlotillaError('object-conflict', conflictMessage(state.name, conflicts));
}
