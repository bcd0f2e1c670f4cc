import { pause } from '#process/wait.ts';
import { type InventoryEntry, inventoryId } from '#proto/inventory.ts';
import type { FieldDrift } from '#proto/messages.ts';
import type { KubeObject } from '../core/object.ts';
import { ClusterEngine } from '../engine/cluster-engine.ts';
import type { ApplyResult, PlacementSnapshot, Policy } from '../engine/ports.ts';
import type { KubeClient } from '../kube/client.ts';
import { OwnObjects } from '../state/api.ts';
import { ConfigMapInventoryStore } from '../state/inventories.ts';

export type Pass = {
  placement: string;
  objects: readonly KubeObject[];
  /** id → file in the repository, where known. */
  sources: ReadonlyMap<string, string>;
  policy: Policy;
  /** How long to wait until everything is Current, ms. */
  waitMs: number;
};

export type Passed = {
  result: ApplyResult;
  snapshot: PlacementSnapshot;
  /** Everything that was found, also what has been corrected since. */
  drifts: readonly FieldDrift[];
  inventory: readonly string[];
};

/** A look at the snapshot costs nothing; the engine itself is told by watches. */
const LOOK_MS = 100;
/** What has FAILED so long, with nothing else in progress, is not waited for. */
const SETTLED_MS = 3_000;
/** What objects are like is looked at after the apply; where nothing is waited for it takes this long at most. */
const LOOKED_AT_MS = 10_000;

/**
 * One pass of the engine: apply, then wait until the objects are Current or cannot become so. The inventory lives in the cluster, so
 * that the next pass prunes what this one applied.
 * @throws what `ClusterEngine.apply` throws; nothing was written then
 */
export async function runPass(
  kube: KubeClient,
  namespace: string,
  { placement, objects, sources, policy, waitMs }: Pass,
  signal: AbortSignal,
): Promise<Passed> {
  const found = new Map<string, FieldDrift>();
  const own = new OwnObjects(kube, namespace);
  const store = new ConfigMapInventoryStore(own);
  const engine = new ClusterEngine({
    kube,
    store,
    ownNamespace: namespace,
    listener: {
      changed: () => undefined,
      event: ({ type, drift }) => type === 'DRIFT_DETECTED' && found.set(keyOf(drift), drift),
    },
  });
  try {
    const result = await engine.apply({ placement, objects, sources, policy }, signal);
    engine.pass();
    // What would be created has no health that could be waited for.
    const absent = new Set(
      policy.observe
        ? result.results.flatMap(({ id, action, recreated }) =>
            action === 'created' && !recreated ? [id] : [],
          )
        : [],
    );
    const snapshot = await settled(() => engine.snapshot(placement)!, { policy, waitMs, absent }, signal);
    for (const drift of snapshot.drifts) found.set(keyOf(drift), drift);
    if (!policy.observe && !policy.hold) await engine.flush(placement, signal);
    const inventories = await new ConfigMapInventoryStore(own).loadAll(signal);
    const entries = inventories.find((each) => each.placement === placement)?.entries ?? [];
    return { result, snapshot, drifts: [...found.values()], inventory: idsOf(entries) };
  } finally {
    await engine.close();
  }
}

const keyOf = ({ id, kind, path }: FieldDrift): string => `${id} ${kind} ${path}`;
const idsOf = (entries: readonly InventoryEntry[]): string[] => entries.map(inventoryId).sort();

/** Waits as long as something is on its way; a retry of what failed for a passing reason is, a deletion that waits for people is not. */
async function settled(
  look: () => PlacementSnapshot,
  { policy: { observe }, waitMs, absent }: { policy: Policy; waitMs: number; absent: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<PlacementSnapshot> {
  const began = Date.now();
  let quietSince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    const snapshot = look();
    const passed = Date.now() - began;
    const unknown = snapshot.objects.some(
      ({ id, health, error }) => health === 'UNKNOWN' && !error && !absent.has(id),
    );
    if (isConverged(snapshot)) return snapshot;
    if (unknown ? passed >= Math.max(waitMs, LOOKED_AT_MS) : passed >= waitMs) return snapshot;
    const rests = !unknown && (observe || !isMoving(snapshot));
    if (!rests) quietSince = undefined;
    else quietSince ??= Date.now();
    if (quietSince !== undefined && (observe || Date.now() - quietSince >= SETTLED_MS)) return snapshot;
    await pause(LOOK_MS, signal);
  }
}

/** Everything is as wanted and Current. */
export function isConverged({ objects, drifts, held, faults, counts, applying }: PlacementSnapshot): boolean {
  const well = objects.every(({ health, error }) => health === 'CURRENT' && !error);
  return well && drifts.length === 0 && !held && faults.length === 0 && counts.failed === 0 && !applying;
}

const PASSING = new Set(['kube-unreachable', 'kube-failed']);

function isMoving({ objects, applying }: PlacementSnapshot): boolean {
  if (applying) return true;
  return objects.some(({ health, errorCode }) =>
    errorCode ? PASSING.has(errorCode) : health === 'IN_PROGRESS' || health === 'TERMINATING',
  );
}
