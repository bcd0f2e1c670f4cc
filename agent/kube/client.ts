import { canonicalJson } from '#proto/canonical.ts';
import type { ServiceAccount } from '#proto/documents/placement.ts';
import { FIELD_MANAGER } from '../core/managed-fields.ts';
import { displayName, isRecord, type KubeObject } from '../core/object.ts';
import { scrub } from '../core/redact.ts';
import type { Connection } from './connection.ts';
import { Discovery, pathOfResource, type Resource } from './discovery.ts';
import { isNotFound, KubeError } from './errors.ts';
import { Gate } from './gate.ts';
import { type Answer, type Call, REQUEST_OPTIONS, type RequestOptions, request } from './request.ts';

/** Requests under way at once, beside watches. Measured: more of them make nothing faster. */
const WIDTH = 24;
/** Objects per page of a list. */
export const PAGE = 500;

const accept = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
/** Accept header that asks for metadata only. */
export const METADATA = accept('PartialObjectMetadata');
export const METADATA_LIST = accept('PartialObjectMetadataList');

/** Name, namespace and kind of one object. */
export type Target = { resource: Resource; namespace?: string | undefined; name: string };

export type ListOptions = {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Metadata only. */
  metadata?: boolean;
  /** Stop after so many objects; without, all pages are read. */
  most?: number;
};

/** Who writes, where it is not the agent: another user, or nobody. */
type Writing = { user?: string; refusal?: KubeError };

export type Written = { object: KubeObject; created: boolean };

export type JsonPatch = readonly {
  op: 'add' | 'remove' | 'replace' | 'test';
  path: string;
  value?: unknown;
}[];

/**
 * Raw calls to one API server: plain JSON in and out, nothing passes through typed models. All throw KubeError with the server's
 * reason and message, without values of Secrets; all end with the signal.
 */
export class KubeClient {
  readonly connection: Connection;
  readonly discovery: Discovery;
  readonly options: RequestOptions;
  /** The namespaces that there is a right to, where it ends with them: nothing is asked across the cluster then. */
  readonly namespaces: readonly string[] | undefined;
  readonly #writing: Writing;

  constructor(
    connection: Connection,
    options: Partial<RequestOptions> = {},
    namespaces?: readonly string[] | undefined,
    shared?: { discovery: Discovery; writing: Writing },
  ) {
    this.connection = connection;
    this.namespaces = namespaces;
    this.options = { ...REQUEST_OPTIONS, gate: new Gate(WIDTH), ...options };
    this.#writing = shared?.writing ?? {};
    this.discovery =
      shared?.discovery ??
      new Discovery(async (path, subject, signal) => {
        const answer = await this.call({ method: 'GET', path, subject }, signal);
        return answer.body;
      });
  }

  /** The same client, which writes and rehearses as a service account; it reads as before. */
  actingAs({ namespace, name }: ServiceAccount): KubeClient {
    return this.#writingBy({ user: `system:serviceaccount:${namespace}:${name}` });
  }

  /** The same client, which writes and rehearses nothing. */
  refusing(refusal: KubeError): KubeClient {
    return this.#writingBy({ refusal });
  }

  #writingBy(writing: Writing): KubeClient {
    const { discovery } = this;
    return new KubeClient(this.connection, this.options, this.namespaces, { discovery, writing });
  }

  /** Any path, for what has no method here (`/version`, `/readyz`). */
  async raw(path: string, signal: AbortSignal): Promise<unknown> {
    return (await this.call({ method: 'GET', path, subject: `GET ${path}` }, signal)).body;
  }

  async get(
    target: Target,
    signal: AbortSignal,
    how: { metadata?: boolean } = {},
  ): Promise<KubeObject | undefined> {
    const call: Call = {
      method: 'GET',
      path: pathOfResource(target.resource, target.namespace, target.name),
      subject: `get ${nameOf(target)}`,
      ...(how.metadata && { accept: METADATA }),
    };
    try {
      return withKind((await this.call(call, signal)).body, target.resource);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** All objects of a kind within reach, in pages of 500. @throws KubeError 410 when a page outlived what the server keeps */
  async list(resource: Resource, options: ListOptions, signal: AbortSignal): Promise<KubeObject[]> {
    const objects: KubeObject[] = [];
    for await (const page of this.pages(resource, options, signal)) {
      objects.push(...page.items);
      if (options.most !== undefined && objects.length >= options.most) return objects.slice(0, options.most);
    }
    return objects;
  }

  async *pages(
    resource: Resource,
    options: ListOptions,
    signal: AbortSignal,
  ): AsyncGenerator<{ items: KubeObject[]; resourceVersion: string }> {
    if (this.namespaces && resource.namespaced && options.namespace === undefined) {
      for (const namespace of this.namespaces) yield* this.pages(resource, { ...options, namespace }, signal);
      return;
    }
    let token: string | undefined;
    do {
      const { body } = await this.call(
        {
          method: 'GET',
          path: pathOfResource(resource, options.namespace),
          query: {
            limit: Math.min(PAGE, options.most ?? PAGE),
            continue: token,
            labelSelector: options.labelSelector,
            fieldSelector: options.fieldSelector,
          },
          subject: `list ${resource.plural}`,
          ...(options.metadata && { accept: METADATA_LIST }),
        },
        signal,
      );
      const list = body as { items?: unknown; metadata?: { continue?: string; resourceVersion?: string } };
      const items = (Array.isArray(list?.items) ? list.items : []).map((item) => withKind(item, resource));
      yield { items, resourceVersion: list?.metadata?.resourceVersion ?? '' };
      token = list?.metadata?.continue || undefined;
    } while (token !== undefined);
  }

  /**
   * Server-side apply as `flotilla-agent`, forced, with strict field validation. An apply that changes nothing writes nothing
   * (facts.md), so it is also the check.
   */
  async apply(
    target: Target,
    object: KubeObject,
    signal: AbortSignal,
    how: { dryRun?: boolean } = {},
  ): Promise<Written> {
    const call: Call = {
      method: 'PATCH',
      path: pathOfResource(target.resource, target.namespace, target.name),
      query: {
        fieldManager: FIELD_MANAGER,
        force: true,
        fieldValidation: 'Strict',
        dryRun: how.dryRun ? 'All' : undefined,
      },
      contentType: 'application/apply-patch+yaml',
      body: canonicalJson(object),
      subject: `${how.dryRun ? 'dry-run of' : 'apply'} ${displayName(object)}`,
    };
    return this.#write(call, object, signal);
  }

  /** @throws KubeError 409 AlreadyExists */
  async create(
    resource: Resource,
    object: KubeObject,
    signal: AbortSignal,
    how: { dryRun?: boolean } = {},
  ): Promise<Written> {
    const call: Call = {
      method: 'POST',
      path: pathOfResource(resource, object.metadata.namespace),
      query: {
        fieldManager: FIELD_MANAGER,
        fieldValidation: 'Strict',
        dryRun: how.dryRun ? 'All' : undefined,
      },
      contentType: 'application/json',
      body: canonicalJson(object),
      subject: `${how.dryRun ? 'dry-run of creating' : 'create'} ${displayName(object)}`,
      repeatable: false,
    };
    return this.#write(call, object, signal);
  }

  /** Put a `test` of the resourceVersion first where the patch depends on what was read. @throws KubeError 422, 409 */
  async jsonPatch(target: Target, patch: JsonPatch, signal: AbortSignal): Promise<KubeObject> {
    const call: Call = {
      method: 'PATCH',
      path: pathOfResource(target.resource, target.namespace, target.name),
      query: { fieldManager: FIELD_MANAGER },
      contentType: 'application/json-patch+json',
      body: canonicalJson(patch),
      subject: `patch ${nameOf(target)}`,
      repeatable: false,
    };
    return withKind((await this.call(call, signal)).body, target.resource);
  }

  /**
   * Deletes exactly the object with this uid (and, where given, in this state), in the background. False when it is already gone.
   * @throws KubeError 409 Conflict when another object has the name, or it has moved since
   */
  async remove(
    target: Target,
    preconditions: { uid: string; resourceVersion?: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const call: Call = {
      method: 'DELETE',
      path: pathOfResource(target.resource, target.namespace, target.name),
      contentType: 'application/json',
      body: JSON.stringify({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        preconditions,
      }),
      subject: `delete ${nameOf(target)}`,
    };
    try {
      await this.call(call, signal);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Resolves when no request waits for its turn, or the signal is aborted. */
  async lull(signal: AbortSignal): Promise<void> {
    await this.options.gate?.lull(signal);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  async #write(call: Call, object: KubeObject, signal: AbortSignal): Promise<Written> {
    try {
      const { status, body } = await this.call(call, signal);
      return { object: body as KubeObject, created: status === 201 };
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      const { code, status, reason, retryAfter, cause } = error;
      const details = { status, reason, retryAfter, ...(status === 0 && { cause }) };
      throw new KubeError(code, scrub(error.message, object), details);
    }
  }

  /** Any call as it is, by whom this client writes. */
  async call(call: Call, signal: AbortSignal): Promise<Answer> {
    const { user, refusal } = call.method === 'GET' ? ({} as Writing) : this.#writing;
    if (refusal) throw refusal;
    return request(this.connection, user ? { ...call, actsAs: user } : call, this.options, signal);
  }
}

export function targetOf(resource: Resource, object: Pick<KubeObject, 'metadata'>): Target {
  return {
    resource,
    namespace: resource.namespaced ? object.metadata.namespace : undefined,
    name: object.metadata.name,
  };
}

const nameOf = ({ resource, namespace, name }: Target): string =>
  [resource.kind, ...(namespace ? [namespace] : []), name].join('/');

/** Items of lists and partial metadata say no kind, or one that is not theirs. */
function withKind(body: unknown, { group, version, kind }: Resource): KubeObject {
  if (!isRecord(body) || !isRecord(body.metadata))
    throw new KubeError('kube-failed', `${kind}: the answer is no object`, {
      status: 200,
      reason: 'NotAnObject',
    });
  body.apiVersion = group === '' ? version : `${group}/${version}`;
  body.kind = kind;
  return body as KubeObject;
}
