import type { IgnoreRule } from '#proto/documents/common.ts';
import type { ServiceAccount } from '#proto/documents/placement.ts';
import type { Fault, FaultCode } from '#proto/faults.ts';
import type { Inventory, InventoryEntry } from '#proto/inventory.ts';
import type { Action, FieldDrift, ObjectStatus } from '#proto/messages.ts';
import type { Tool } from '../core/managed-fields.ts';
import type { KubeObject } from '../core/object.ts';
import type { Held } from '../core/plan.ts';
import type { KubeClient } from '../kube/client.ts';

/** What the engine needs of the API server. `watch` tells metadata of one kind for ever (`kube/watch.ts`). */
export type Kube = Pick<
  KubeClient,
  | 'connection'
  | 'discovery'
  | 'namespaces'
  | 'options'
  | 'get'
  | 'list'
  | 'pages'
  | 'apply'
  | 'create'
  | 'jsonPatch'
  | 'remove'
>;

export type Clock = {
  /** ms since 1970. */
  now(): number;
  /** In [0, 1). */
  random(): number;
};

/** Where inventories live. Only one writer at a time; a foreign write in between is an error, never overwritten. */
export interface InventoryStore {
  /** All that exist. @throws FlotillaError inventory-unreadable: nothing may be pruned then */
  loadAll(signal: AbortSignal): Promise<Inventory[]>;
  /** Writes the whole inventory of a placement. @throws KubeError when somebody else wrote in between */
  save(placement: string, entries: readonly InventoryEntry[], signal: AbortSignal): Promise<void>;
  /** After the last object of a placement is gone. */
  remove(placement: string, signal: AbortSignal): Promise<void>;
}

/** Named points between effects, so that tests can end the process exactly there. */
export type MarkerName =
  | 'inventory-written'
  | 'between-writes'
  | 'recreate-intended'
  | 'recreate-deleted'
  | 'applied'
  | 'pruned'
  | 'inventory-finalised';
export type Marker = (name: MarkerName) => void | Promise<void>;

/** How a placement is applied: from its document, the Fleet's and the cluster's; effective at once, without a new revision. */
export type Policy = {
  mode: 'correct' | 'report';
  extras: 'report' | 'remove';
  ignore: readonly IgnoreRule[];
  /** Further field managers that own fields by design. */
  controllers: readonly string[];
  prune: boolean;
  /** Share of the inventory, 0 to 1. */
  maxPrune: number;
  /** Prune sets that a commit has approved. */
  approvals: readonly string[];
  adopt: readonly Tool[];
  /** Everything is dry-run before anything is written. */
  atomic: boolean;
  requireAddress: boolean;
  /** No apply, no correction; drift is still told. */
  hold: boolean;
  /** Everything is dry-run; nothing is ever written. */
  observe: boolean;
  /** As whom it is written; undefined: as the agent. */
  serviceAccount: ServiceAccount | undefined;
};

export const DEFAULT_POLICY: Policy = {
  mode: 'correct',
  extras: 'report',
  ignore: [],
  controllers: [],
  prune: true,
  maxPrune: 0.3,
  approvals: [],
  adopt: [],
  atomic: false,
  requireAddress: false,
  hold: false,
  observe: false,
  serviceAccount: undefined,
};

/** One placement on this cluster, rendered. */
export type Assignment = {
  placement: string;
  objects: readonly KubeObject[];
  policy: Policy;
  /**
   * Saved state says that exactly these objects were applied to the end before (after a restart): then nothing is written that live
   * state does not ask for.
   */
  settled?: boolean;
  /** Nothing is pruned before `prune` is called: what other placements want is not known yet (after a restart). */
  keepStale?: boolean;
  /** id → file in the fleet repo, where known. */
  sources?: ReadonlyMap<string, string>;
};

export type EngineEvent = {
  type: 'DRIFT_DETECTED' | 'DRIFT_RESOLVED' | 'DRIFT_FIGHT';
  placement: string;
  drift: FieldDrift;
  message: string;
};

/** Who is told. Both are called synchronously and must not throw; `changed` says that `snapshot` answers differently now. */
export interface Listener {
  changed(placement: string): void;
  event(event: EngineEvent): void;
}

/** What became of one object in an apply. */
export type ObjectResult = {
  id: string;
  action: Action;
  error?: { code: FaultCode; message: string };
  /** Why something that is no longer wanted stays in the cluster. */
  left?: string;
  /** Field managers whose fields were taken over, or under observe would be. */
  takenFrom?: readonly string[];
  /** It was there and had to be deleted first, or under observe would have to be: a field of it is immutable. */
  recreated?: true;
};

export type ApplyResult = {
  /** True when every object is as wanted and nothing is held; what failed is tried again by the engine itself. */
  ok: boolean;
  results: readonly ObjectResult[];
  /** Deletions that wait for an approval. */
  held: Held | undefined;
  /** Under observe: deletions that would have to wait for one. */
  wouldHold?: Held;
  /** Something that is no longer wanted is left for `prune`, see `Assignment.keepStale`. */
  deferred: boolean;
};

/** Everything known of a placement; level-triggered: the newest is the truth. */
export type PlacementSnapshot = {
  placement: string;
  applying: boolean;
  /** True after `retire` once nothing of it is left. */
  removed: boolean;
  objects: readonly ObjectStatus[];
  drifts: readonly FieldDrift[];
  /** Corrected within the last seconds: told so that a reporter that looks now and then does not miss them. */
  corrected: readonly FieldDrift[];
  /** Of the last apply. */
  counts: Readonly<Record<Action, number>>;
  held: Held | undefined;
  /** Ids of what it no longer wants and keeps until another placement has it, with that placement. */
  handing: ReadonlyMap<string, string>;
  /** Ids of what was applied for it, as far as live objects say, and what neither Git nor an inventory names; as of the last full pass. */
  orphans: readonly string[];
  faults: readonly Fault[];
};
