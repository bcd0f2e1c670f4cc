import type { Cluster } from '../cluster.ts';
import { StatusError } from '../errors.ts';
import { watchCrds } from './crds.ts';
import { watchOwners } from './garbage.ts';
import type { ControllerHost } from './host.ts';
import { createNamespaces, watchNamespaces } from './namespaces.ts';
import { watchWorkloads } from './workloads.ts';

/** Milliseconds until work whose write was refused is tried again. */
const RETRY_AFTER = 500;

/** The controllers of one cluster: each reacts to stored changes, after the write that caused them was answered. */
export class Controllers implements ControllerHost {
  readonly cluster: Cluster;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stop: (() => void)[] = [];
  #stopped = false;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  start(): void {
    this.#stop = [watchNamespaces(this), watchCrds(this), watchWorkloads(this), watchOwners(this)];
    createNamespaces(this.cluster);
    // A watch from before the birth of the cluster is too old, as on a server that was restarted.
    this.cluster.store.forget();
  }

  stop(): void {
    this.#stopped = true;
    for (const stop of this.#stop) stop();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  later(key: string, milliseconds: number, work: () => void): void {
    if (this.#stopped) return;
    clearTimeout(this.#timers.get(key));
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      try {
        work();
      } catch (error) {
        // A test may refuse the writes of controllers too; like real ones they come back.
        if (!(error instanceof StatusError)) throw error;
        this.later(key, RETRY_AFTER, work);
      }
    }, milliseconds);
    timer.unref();
    this.#timers.set(key, timer);
  }
}
