/** An apply engine on some API server, and the hands of people who interfere. */

import { isDeepStrictEqual } from 'node:util';
import { type KubeObject, objectId } from '#agent/core/object.ts';
import { ClusterEngine } from '#agent/engine/cluster-engine.ts';
import {
  type Assignment,
  DEFAULT_POLICY,
  type EngineEvent,
  type MarkerName,
  type PlacementSnapshot,
  type Policy,
} from '#agent/engine/ports.ts';
import { KubeClient } from '#agent/kube/client.ts';
import { type ConnectionSource, connect } from '#agent/kube/connection.ts';
import { OwnObjects } from '#agent/state/api.ts';
import { ConfigMapInventoryStore, INVENTORY_LABEL } from '#agent/state/inventories.ts';
import type { FieldDrift } from '#proto/messages.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { refusePlanted } from '#test/bed/planted.ts';
import { betweenWrites, type Write } from './client-between.ts';

const SYSTEM = 'flotilla-system';
const NEVER = new AbortController().signal;

/** How a test reaches the API server beside the engine. */
export type Server = {
  source: ConnectionSource;
  send(
    method: string,
    path: string,
    body?: unknown,
    options?: { contentType?: string },
  ): Promise<{ status: number; body: unknown }>;
};

/** One start of an engine; `restart` is another one on the same cluster. */
export class Lab implements AsyncDisposable {
  readonly server: Server;
  readonly client: KubeClient;
  readonly engine: ClusterEngine;
  readonly events: EngineEvent[] = [];
  readonly requests: string[] = [];
  readonly #own: OwnObjects;
  #ended = false;

  /** `through` stands between everything that the engine does and the API server. */
  constructor(
    server: Server,
    marker?: (name: MarkerName) => void | Promise<void>,
    through: (client: KubeClient) => KubeClient = (client) => client,
  ) {
    this.server = server;
    this.client = new KubeClient(connect(server.source));
    this.#own = new OwnObjects(this.client, SYSTEM);
    const client = through(this.client);
    this.engine = new ClusterEngine({
      kube: recording(client, this.requests),
      store: new ConfigMapInventoryStore(new OwnObjects(client, SYSTEM)),
      ownNamespace: SYSTEM,
      listener: { changed: () => undefined, event: (event) => this.events.push(event) },
      retry: { first: 300, most: 1_000 },
      ...(marker && { marker }),
    });
  }

  apply(
    placement: string,
    objects: readonly KubeObject[],
    policy: Partial<Policy> = {},
    more: Partial<Assignment> = {},
  ) {
    return this.engine.apply(
      { placement, objects, policy: { ...DEFAULT_POLICY, ...policy }, ...more },
      NEVER,
    );
  }

  /** Action per id of an apply, failures with their message. */
  async actions(...args: Parameters<Lab['apply']>): Promise<Record<string, string>> {
    const { results } = await this.apply(...args);
    return Object.fromEntries(
      results.map(({ id, action, error }) => [id, error ? `${action}: ${error.message}` : action]),
    );
  }

  snapshot(placement: string): PlacementSnapshot {
    return this.engine.snapshot(placement)!;
  }

  /** Waits for the snapshot of a placement to be as described. */
  until(
    what: string,
    placement: string,
    holds: (snapshot: PlacementSnapshot) => boolean,
    timeoutMs = PATIENCE_MS,
  ): Promise<PlacementSnapshot> {
    const look = async () => {
      const snapshot = this.engine.snapshot(placement);
      return snapshot && holds(snapshot) ? snapshot : undefined;
    };
    const seen = () => JSON.stringify(this.engine.snapshot(placement));
    return eventually(what, look, timeoutMs, NEVER, seen);
  }

  /** Waits for an event of drift at a path. */
  untilEvent(type: EngineEvent['type'], path: string, timeoutMs = PATIENCE_MS): Promise<EngineEvent> {
    const look = async () => this.events.find((each) => each.type === type && each.drift.path === path);
    const seen = () => JSON.stringify(this.events);
    return eventually(`${type} at ${path || 'the object'}`, look, timeoutMs, NEVER, seen);
  }

  drifts(placement: string): readonly FieldDrift[] {
    return this.snapshot(placement).drifts;
  }

  async get(path: string): Promise<KubeObject | undefined> {
    const { status, body } = await this.server.send('GET', path);
    return status === 200 ? (body as KubeObject) : undefined;
  }

  /** A write of somebody else, as `kubectl edit` does it. */
  async edit(path: string, patch: unknown, manager = 'kubectl-edit'): Promise<void> {
    await expectDone(
      this.server.send('PATCH', `${path}?fieldManager=${manager}`, patch, {
        contentType: 'application/merge-patch+json',
      }),
    );
  }

  async post(path: string, object: unknown, manager = 'kubectl-create'): Promise<void> {
    await expectDone(this.server.send('POST', `${path}?fieldManager=${manager}`, object));
  }

  async remove(path: string): Promise<void> {
    await expectDone(this.server.send('DELETE', path));
  }

  async inventory(placement: string): Promise<string[]> {
    const inventories = await new ConfigMapInventoryStore(this.#own).loadAll(NEVER);
    const entries = inventories.find((each) => each.placement === placement)?.entries ?? [];
    return entries.map((entry) => `${entry.state} ${entry.kind}/${entry.name}`);
  }

  /** Path of the ConfigMap in which the inventory of a placement is. */
  async inventoryMap(placement: string): Promise<string | undefined> {
    for await (const { metadata, binaryData = {} } of this.#own.labelled('ConfigMap', INVENTORY_LABEL, NEVER))
      if (placement in (binaryData as object))
        return `/api/v1/namespaces/${SYSTEM}/configmaps/${metadata.name}`;
    return undefined;
  }

  /** Waits for the inventory to be as listed, `state Kind/name` each. What is only noted is written first. */
  async untilInventory(placement: string, expected: readonly string[]): Promise<void> {
    await this.engine.flushAll(NEVER);
    let last: string[] = [];
    const look = async () => {
      last = await this.inventory(placement);
      return isDeepStrictEqual(last, expected) || undefined;
    };
    await eventually(`the inventory of ${placement}`, look, PATIENCE_MS, NEVER, () => last.join(', '));
  }

  /** As a process that is killed: what was only noted is lost. */
  async crash(): Promise<void> {
    await this.engine.close();
    await this.client.close();
    this.#ended = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const told = this.engine.placements().map((name) => this.engine.snapshot(name));
    refusePlanted('what the engine says', { told, events: this.events });
    try {
      await this.engine.flushAll(NEVER);
    } finally {
      await this.engine.close();
      await this.client.close();
    }
  }
}

async function expectDone(answered: Promise<{ status: number; body: unknown }>): Promise<void> {
  const { status, body } = await answered;
  if (status > 299) throw new Error(`the API server answers ${status}: ${JSON.stringify(body)}`);
}

const SHORT: Partial<Record<Write, string>> = { jsonPatch: 'patch', remove: 'delete' };

/** The client with every write written down. */
const recording = (client: KubeClient, into: string[]): KubeClient =>
  betweenWrites(client, (name, args, go) => {
    const [target, object] = args as [{ name?: string }, Partial<KubeObject> | undefined];
    into.push(`${SHORT[name] ?? name} ${object?.kind ?? ''}/${target.name ?? ''}`);
    return go();
  });

export const namespace = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
});

export const configMap = (ns: string, name: string, data: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: ns },
  data,
});

export function deployment(ns: string, name: string, image: string, replicas = 2): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: ns },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'web',
              image,
              ports: [{ containerPort: 8080 }],
              env: [{ name: 'MODE', value: 'plain' }],
              resources: { requests: { cpu: '0.1' } },
            },
          ],
        },
      },
    },
  };
}

export const idOf = objectId;
