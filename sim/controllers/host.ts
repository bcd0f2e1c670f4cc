import type { Cluster } from '../cluster.ts';

/** What a controller gets to work with. */
export interface ControllerHost {
  readonly cluster: Cluster;
  /** Runs work later, once per key: a new call replaces a waiting one. Nothing runs after the cluster was closed. */
  later(key: string, milliseconds: number, work: () => void): void;
}
