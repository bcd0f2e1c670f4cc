import { randomBytes } from 'node:crypto';
import { Faults } from './faults.ts';
import type { JsonObject } from './json.ts';
import { KindTable } from './kinds/kind-table.ts';
import { Store } from './store.ts';
import type { Asked } from './write/asked.ts';

export interface ClusterOptions {
  /** Milliseconds until a workload is ready; its rollout shows in between. Infinity: no controller touches it. */
  readonly readyDelay: number;
  /** Milliseconds until a new CRD is established. */
  readonly crdDelay: number;
  /** Number of changes a watch can go back. */
  readonly history: number;
  /** The bearer token; a random one by default. */
  readonly token?: string;
}

export const DEFAULTS: ClusterOptions = { readyDelay: 300, crdDelay: 20, history: 1000 };

/** One simulated cluster: its objects, the kinds it serves, and the hooks for tests. */
export class Cluster {
  readonly name: string;
  readonly token: string;
  readonly options: ClusterOptions;
  readonly store: Store;
  readonly kinds = new KindTable();
  readonly faults = new Faults();
  /** Requests answered so far, by verb: get, list, watch, create, update, patch, apply, delete, discovery. */
  readonly requests = new Map<string, number>();
  #addresses = 1;
  #nodePorts = 30_000;

  constructor(name: string, options: ClusterOptions = DEFAULTS) {
    this.name = name;
    this.options = options;
    this.token = options.token ?? randomBytes(16).toString('hex');
    this.store = new Store(options.history);
  }

  /** Now, as Kubernetes writes times. */
  timestamp(): string {
    return `${new Date().toISOString().slice(0, 19)}Z`;
  }

  nextAddress(): string {
    const n = this.#addresses++;
    return `10.${96 + ((n >> 16) & 15)}.${(n >> 8) & 255}.${n & 255}`;
  }

  nextNodePort(): number {
    return this.#nodePorts++;
  }

  /** Lets the configured faults refuse a write. `object` is undefined on delete. */
  admit(write: Asked, object: JsonObject | undefined): void {
    this.faults.admit(write, object);
  }

  count(verb: string): void {
    this.requests.set(verb, (this.requests.get(verb) ?? 0) + 1);
  }
}
