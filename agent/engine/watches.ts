import type { FlotillaError } from '#proto/faults.ts';
import { isToldWhole } from '../core/health.ts';
import { OWNER_LABEL } from '../core/managed-fields.ts';
import { joinApiVersion } from '../core/object.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Resource } from '../kube/discovery.ts';
import { KubeError } from '../kube/errors.ts';
import { Interruption, type WatchEvent, watchKind } from '../kube/watch.ts';

/** One kind that is watched, where the agent is confined in one namespace. */
type Watched = {
  key: string;
  resource: Resource;
  namespace: string | undefined;
  interruption: Interruption;
  stop: AbortController;
  synced: boolean;
  gone: boolean;
  error: FlotillaError | undefined;
  /** Resolves at the next `synced`, rejects at the next trouble; made anew after each. */
  next: PromiseWithResolvers<void>;
  done: Promise<void>;
};

/**
 * The watches of an engine, by metadata but for workloads: one per kind, or per kind and namespace where the agent is confined to namespaces; label-selected,
 * started when first needed.
 */
export class Watches {
  readonly #client: KubeClient;
  readonly #tell: (resource: Resource, event: WatchEvent) => void;
  readonly #random: () => number;
  readonly #life: AbortSignal;
  readonly #kinds = new Map<string, Watched>();

  constructor(
    client: KubeClient,
    tell: (resource: Resource, event: WatchEvent) => void,
    random: () => number,
    life: AbortSignal,
  ) {
    this.#client = client;
    this.#tell = tell;
    this.#random = random;
    this.#life = life;
  }

  /** What one watch covers: `namespace` is the one of an object of the kind. */
  keyOf({ group, kind, namespaced }: Omit<Resource, 'version' | 'plural'>, namespace?: string): string {
    return `${group}/${kind}${namespaced && this.#client.namespaces ? `/${namespace}` : ''}`;
  }

  /**
   * Resolves when everything of the kind that carries our label has been told; of the namespace, where the agent is confined.
   * @throws FlotillaError why the list failed; the watch goes on trying. KubeError kube-forbidden where the agent is confined and the
   *   kind is cluster-scoped, or the namespace is another
   */
  async ensure(resource: Resource, namespace: string | undefined, signal: AbortSignal): Promise<void> {
    const key = this.keyOf(resource, namespace);
    let watched = this.#kinds.get(key);
    if (watched?.gone && watched.resource.version !== resource.version) {
      await this.#end(watched);
      watched = undefined;
    }
    watched ??= this.#start(key, resource, this.#scopeOf(resource, namespace));
    if (watched.synced) return;
    if (watched.gone) watched.interruption.fire();
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([watched.next.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The slow pass: every kind is listed again. */
  relist(): void {
    for (const { interruption } of this.#kinds.values()) interruption.fire();
  }

  /** What is wrong right now; drift of these kinds is not seen meanwhile. */
  troubles(): FlotillaError[] {
    return [...this.#kinds.values()].flatMap(({ error }) => error ?? []);
  }

  /** After the life of the engine has ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#kinds.values()].map((watched) => watched.done));
  }

  #scopeOf({ kind, namespaced }: Resource, namespace: string | undefined): string | undefined {
    const { namespaces } = this.#client;
    if (!namespaces) return undefined;
    if (namespaced && namespace !== undefined && namespaces.includes(namespace)) return namespace;
    const where = namespaced ? `of namespace ${namespace}` : 'is cluster-scoped and';
    throw new KubeError('kube-forbidden', `${kind} ${where} is not watched by an agent with --namespaces`, {
      status: 403,
      reason: 'Confined',
    });
  }

  #start(key: string, resource: Resource, namespace: string | undefined): Watched {
    const watched: Watched = {
      key,
      resource,
      namespace,
      interruption: new Interruption(),
      stop: new AbortController(),
      synced: false,
      gone: false,
      error: undefined,
      next: newPromise(),
      done: Promise.resolve(),
    };
    watched.done = this.#follow(watched, AbortSignal.any([this.#life, watched.stop.signal]));
    this.#kinds.set(key, watched);
    return watched;
  }

  async #end(watched: Watched): Promise<void> {
    this.#kinds.delete(watched.key);
    watched.stop.abort();
    await watched.done;
  }

  async #follow(watched: Watched, signal: AbortSignal): Promise<void> {
    const { resource, namespace, interruption } = watched;
    const options = {
      labelSelector: OWNER_LABEL,
      whole: isToldWhole({
        apiVersion: joinApiVersion(resource.group, resource.version),
        kind: resource.kind,
      }),
      random: this.#random,
      interruption,
      ...(namespace !== undefined && { namespace }),
    };
    for await (const event of watchKind(this.#client, resource, options, signal)) {
      this.#tell(resource, event);
      if (event.type === 'synced') settle(watched, undefined);
      else if (event.type === 'trouble') settle(watched, event.error);
      else if (event.type === 'gone') {
        watched.gone = true;
        settle(watched, kindGone(resource));
      }
    }
    settle(watched, kindGone(resource));
  }
}

const kindGone = (resource: Resource): KubeError =>
  new KubeError('kube-kind-unknown', `${resource.kind} is no longer served by the API server`, {
    status: 404,
    reason: 'NotFound',
  });

function newPromise(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>();
  // Nobody may be waiting.
  made.promise.catch(() => undefined);
  return made;
}

function settle(watched: Watched, error: FlotillaError | undefined): void {
  const { next } = watched;
  watched.error = error;
  if (error) {
    watched.next = newPromise();
    next.reject(error);
  } else {
    watched.synced = true;
    watched.gone = false;
    next.resolve();
  }
}
