import type { Cluster } from '../cluster.ts';
import { StatusError } from '../errors.ts';
import { watchCrds } from './crds.ts';
import { watchOwners } from './garbage.ts';
import { createNamespaces, watchNamespaces } from './namespaces.ts';
import { watchWorkloads } from './workloads.ts';

/** Milliseconds until work whose write was refused is tried again. */
const RETRY_AFTER = 500;

/** What a controller gets to work with. */
export interface ControllerHost {
  readonly cluster: Cluster;
  /** Runs work later, once per key: a new call replaces a waiting one. Nothing runs after the cluster was closed. */
  later(key: string, milliseconds: number, work: () => void): void;
}

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
