import { FlotillaError } from '#proto/faults.ts';
import { at, type KubeObject, textAt } from '../core/object.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import type { Answer, Call } from '../kube/request.ts';

/** The one door to the API server that state needs. */
export interface Api {
  call(call: Call, signal: AbortSignal): Promise<Answer>;
}

/** Kinds that the agent keeps for itself, and where they are served. */
const PLACES = {
  Secret: { apiVersion: 'v1', path: '/api/v1', plural: 'secrets' },
  ConfigMap: { apiVersion: 'v1', path: '/api/v1', plural: 'configmaps' },
  Lease: {
    apiVersion: 'coordination.k8s.io/v1',
    path: '/apis/coordination.k8s.io/v1',
    plural: 'leases',
  },
} as const;
export type OwnKind = keyof typeof PLACES;

/**
 * What the agent writes for itself carries this field manager and these labels; nothing of it is in Git, in an inventory or pruned.
 */
export const STATE_MANAGER = 'flotilla-agent-state';
export const STATE_LABEL = 'flotilla.dev/state';
export const OWN_LABELS = { 'app.kubernetes.io/managed-by': 'flotilla-agent' } as const;

/** Objects per page: of the largest that are kept this many stay below what an answer may have. */
const PAGE = 50;
const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** The agent's own objects in its own namespace, which is made when it is missing. */
export class OwnObjects {
  readonly #api: Api;
  readonly namespace: string;

  constructor(api: Api, namespace: string) {
    this.#api = api;
    this.namespace = namespace;
  }

  async get(kind: OwnKind, name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      const subject = `get ${kind}/${this.namespace}/${name}`;
      const urgent = kind === 'Lease' && { urgent: true };
      const call: Call = { method: 'GET', path: this.#path(kind, name), subject, ...urgent };
      return object(await this.#api.call(call, signal));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Every object of a kind with these labels, page by page. */
  async *labelled(
    kind: OwnKind,
    labelSelector: string,
    signal: AbortSignal,
    { metadataOnly = false } = {},
  ): AsyncGenerator<KubeObject> {
    const { apiVersion, plural } = PLACES[kind];
    const accept = metadataOnly ? { accept: METADATA_ONLY } : {};
    let next: string | undefined;
    do {
      const query = { labelSelector, limit: PAGE, continue: next };
      const subject = `list ${plural} of ${this.namespace}`;
      const { body } = await this.#api.call(
        { method: 'GET', path: this.#path(kind), query, subject, ...accept },
        signal,
      );
      const items = at(body, 'items');
      for (const item of Array.isArray(items) ? items : [])
        yield { ...(item as KubeObject), apiVersion, kind };
      next = textAt(body, 'metadata', 'continue') || undefined;
    } while (next !== undefined);
  }

  /** @throws KubeError 409 AlreadyExists when somebody was faster */
  async create(
    kind: OwnKind,
    name: string,
    content: Record<string, unknown>,
    labels: Record<string, string>,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const metadata = { name, namespace: this.namespace, labels: { ...OWN_LABELS, ...labels } };
    const body = JSON.stringify({ apiVersion: PLACES[kind].apiVersion, kind, metadata, ...content });
    const call: Call = {
      method: 'POST',
      path: this.#path(kind),
      query: { fieldManager: STATE_MANAGER },
      body,
      contentType: 'application/json',
      subject: `create ${kind}/${this.namespace}/${name}`,
      repeatable: false,
    };
    try {
      return object(await this.#api.call(call, signal));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#createNamespace(signal);
      return object(await this.#api.call(call, signal));
    }
  }

  /** Replaces what was read: its resourceVersion makes it a compare-and-swap. @throws KubeError 409 Conflict */
  async replace(kind: OwnKind, whole: KubeObject, signal: AbortSignal): Promise<KubeObject> {
    const { name } = whole.metadata;
    return object(
      await this.#api.call(
        {
          method: 'PUT',
          path: this.#path(kind, name),
          query: { fieldManager: STATE_MANAGER },
          body: JSON.stringify(whole),
          contentType: 'application/json',
          subject: `update ${kind}/${this.namespace}/${name}`,
          ...(kind === 'Lease' && { urgent: true }),
        },
        signal,
      ),
    );
  }

  /** Merge patch (RFC 7386): null removes a member. @throws KubeError 404 when there is none */
  async merge(
    kind: OwnKind,
    name: string,
    patch: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    return object(
      await this.#api.call(
        {
          method: 'PATCH',
          path: this.#path(kind, name),
          query: { fieldManager: STATE_MANAGER },
          body: JSON.stringify(patch),
          contentType: 'application/merge-patch+json',
          subject: `patch ${kind}/${this.namespace}/${name}`,
        },
        signal,
      ),
    );
  }

  /** Merges, or creates what is not there yet; `isNew` says which is more likely. */
  async upsert(
    kind: OwnKind,
    name: string,
    content: Record<string, unknown>,
    labels: Record<string, string>,
    signal: AbortSignal,
    isNew = false,
  ): Promise<void> {
    if (isNew) {
      try {
        await this.create(kind, name, withoutNulls(content), labels, signal);
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
    try {
      await this.merge(kind, name, content, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.create(kind, name, withoutNulls(content), labels, signal);
    }
  }

  /** Nothing where there is none. @throws KubeError 409 Conflict when it is not in the version given */
  async delete(kind: OwnKind, name: string, signal: AbortSignal, resourceVersion?: string): Promise<void> {
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { resourceVersion } };
    const call: Call = {
      method: 'DELETE',
      path: this.#path(kind, name),
      subject: `delete ${kind}/${this.namespace}/${name}`,
      ...(resourceVersion !== undefined && {
        body: JSON.stringify(options),
        contentType: 'application/json',
      }),
    };
    try {
      await this.#api.call(call, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #createNamespace(signal: AbortSignal): Promise<void> {
    // Nothing but its name: who keeps the namespace in Git owns all of it.
    const metadata = { name: this.namespace };
    try {
      await this.#api.call(
        {
          method: 'POST',
          path: '/api/v1/namespaces',
          query: { fieldManager: STATE_MANAGER },
          body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata }),
          contentType: 'application/json',
          subject: `create Namespace/${this.namespace}`,
          repeatable: false,
        },
        signal,
      );
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  #path(kind: OwnKind, name?: string): string {
    const { path, plural } = PLACES[kind];
    const collection = `${path}/namespaces/${this.namespace}/${plural}`;
    return name === undefined ? collection : `${collection}/${name}`;
  }
}

function object({ body }: Answer): KubeObject {
  if (textAt(body, 'metadata', 'name') !== undefined) return body as KubeObject;
  throw new FlotillaError('kube-failed', 'the API server answered something that is no object');
}

/** A merge patch as the object that it makes of nothing. */
function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [
        key,
        typeof member === 'object' && !Array.isArray(member)
          ? withoutNulls(member as Record<string, unknown>)
          : member,
      ]),
  );
}
