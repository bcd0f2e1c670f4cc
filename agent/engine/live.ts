import { computeHealth, isToldWhole } from '../core/health.ts';
import type { Health } from '../core/health-words.ts';
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from '../core/object.ts';

/**
 * What is kept of one live object. The watch tells metadata of everything that carries our owner label; of that only what decisions
 * need stays, managedFields as text: an agent holds thousands of these.
 */
export type Live = {
  uid: string;
  resourceVersion: string;
  generation: number | undefined;
  deletionTimestamp: string | undefined;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  managed: string;
  /** Of kinds that the watch tells whole; pods were not asked. */
  health: Health | undefined;
};

/** Labels and annotations that say whose an object is and how it is to be treated. */
const KEPT =
  /^(flotilla\.dev|kustomize\.toolkit\.fluxcd\.io|helm\.toolkit\.fluxcd\.io|argocd\.argoproj\.io|meta\.helm\.sh)\//;

function kept(map: Record<string, string> | undefined): Record<string, string> {
  const entries = Object.entries(map ?? {}).filter(([key]) => KEPT.test(key));
  return entries.length === 0 ? NOTHING : Object.fromEntries(entries);
}
const NOTHING: Record<string, string> = Object.freeze({});

/** `object` is whole where its kind is told whole. */
export function liveOf(object: KubeObject): Live {
  const { metadata } = object;
  return {
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    generation: metadata.generation,
    deletionTimestamp: metadata.deletionTimestamp,
    labels: kept(metadata.labels),
    annotations: kept(metadata.annotations),
    managed: JSON.stringify(metadata.managedFields ?? []),
    health: isToldWhole(object) ? computeHealth(object) : undefined,
  };
}

export const managedFieldsOf = (live: Live): ManagedFieldsEntry[] => JSON.parse(live.managed);

/** As decisions of `core/` want it; without name. */
export function metaOf(live: Live): ObjectMeta {
  return {
    name: '',
    uid: live.uid,
    resourceVersion: live.resourceVersion,
    labels: live.labels,
    annotations: live.annotations,
    managedFields: managedFieldsOf(live),
    ...(live.generation !== undefined && { generation: live.generation }),
    ...(live.deletionTimestamp !== undefined && { deletionTimestamp: live.deletionTimestamp }),
  };
}

/**
 * Order of two resourceVersions of one object (numbers since Kubernetes 1.35 by contract, in fact always). Where they are no
 * numbers, what is told later counts as newer.
 */
export function isOlder(version: string, than: string): boolean {
  if (!/^[0-9]+$/.test(version) || !/^[0-9]+$/.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}

/** What is known of live objects by id: all that carry our owner label, told by watches and by our own writes. */
export class LiveIndex {
  readonly #objects = new Map<string, Live>();

  get(id: string): Live | undefined {
    return this.#objects.get(id);
  }

  /** False when something newer is known already. */
  set(id: string, live: Live): boolean {
    const known = this.#objects.get(id);
    if (known && known.uid === live.uid && isOlder(live.resourceVersion, known.resourceVersion)) return false;
    this.#objects.set(id, live);
    return true;
  }

  entries(): Iterable<[string, Live]> {
    return this.#objects;
  }

  delete(id: string): void {
    this.#objects.delete(id);
  }
}
