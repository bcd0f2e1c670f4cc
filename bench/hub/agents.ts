import { documentOf } from '#hub/core/desired.ts';
import type { HubState } from '#hub/core/types.ts';
import type { Heartbeat, Hello, Status } from '#proto/messages.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { up } from '#proto/subjects.ts';

/** What agents would send, as bytes on the bus. */
export type Sent = { readonly subject: string; readonly data: Uint8Array };

const at = '2026-11-23T00:00:00.000Z';
const OBJECTS = ['Deployment', 'Service', 'ConfigMap'];
const bytes = (message: object) => new TextEncoder().encode(JSON.stringify(message));

/** The agents of a fleet, as far as the hub can see them: the numbers of their newest statuses. */
export class Agents {
  readonly #newest = new Map<string, Map<string, number>>();
  readonly #epochs = new Map<string, number>();
  #seq = 0;

  hello(cluster: string): Sent {
    const told = { ...this.#own(cluster), key: 'U', facts: { kubernetesVersion: 'v1.36.3' } };
    return { subject: up.hello(cluster), data: bytes({ v: 1, ...told } satisfies Hello) };
  }

  heartbeat(cluster: string): Sent {
    const told: Heartbeat = { v: 1, ...this.#own(cluster), faults: [] };
    return { subject: up.heartbeat(cluster), data: bytes(told) };
  }

  #own(cluster: string) {
    const statusHash = statusSetHash(this.#newest.get(cluster) ?? new Map());
    return { cluster, at, epoch: this.#epochs.get(cluster) ?? 0, statusHash };
  }

  /** Accepts the document that the hub has decided on, and says of a placement of it how far it is. */
  status(
    state: HubState,
    cluster: string,
    placement: string,
    says: 'applying' | 'verifying' | 'current',
  ): Sent {
    const document = documentOf(state, cluster)!;
    const { revision, digest, attempt } = document.assignments.find((one) => one.placement === placement)!;
    this.#epochs.set(cluster, document.epoch);
    const of = this.#newest.get(cluster) ?? new Map<string, number>();
    this.#newest.set(cluster, of.set(placement, ++this.#seq));
    const version = { revision, digest };
    const isApplied = says !== 'applying';
    const status: Status = {
      v: 1,
      cluster,
      placement,
      seq: this.#seq,
      at,
      epoch: document.epoch,
      attempt,
      attempted: version,
      ...(isApplied && { applied: version }),
      sync: { state: isApplied ? 'SYNCED' : 'APPLYING', since: at },
      drift: { state: 'NONE', since: at },
      health: { state: says === 'current' ? 'CURRENT' : 'IN_PROGRESS', since: at },
      counts: { objects: 3, created: 0, configured: 1, unchanged: 2, pruned: 0, skipped: 0, failed: 0 },
      objects: OBJECTS.map((kind) => ({
        id: `apps/${kind}/${placement}/main`,
        apiVersion: 'v1',
        action: 'unchanged',
        health: 'CURRENT',
        assessed: true,
        drift: 'NONE',
        source: `apps/${placement}/base/${kind}.yaml`,
      })),
      drifts: [],
      truncated: { objects: 0, drifts: 0 },
      faults: [],
    };
    return { subject: up.status(cluster, placement), data: bytes(status) };
  }
}
