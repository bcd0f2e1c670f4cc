import { pause } from '#process/wait.ts';
import { FlotillaError } from '#proto/faults.ts';
import { backoff } from '../core/backoff.ts';
import { isRecord, type KubeObject } from '../core/object.ts';
import { jittered } from '../core/waits.ts';
import { type KubeClient, METADATA } from './client.ts';
import { pathOfResource, type Resource } from './discovery.ts';
import { errorOf, isExpired, isNotFound, KubeError, noAnswer } from './errors.ts';
import { jsonLines } from './lines.ts';
import { readText, refusal, send } from './request.ts';

/** Objects have apiVersion, kind and metadata, managedFields included; the rest only where they are asked for `whole`. */
export type WatchEvent =
  | { type: 'added' | 'modified' | 'deleted'; object: KubeObject }
  /** Everything that exists has been told, and changes follow. Comes again after `trouble`. */
  | { type: 'synced' }
  /** The kind is no longer served; everything known of it has been told as deleted. It is tried again by itself. */
  | { type: 'gone' }
  /** List or watch fails; it is tried again by itself. */
  | { type: 'trouble'; error: FlotillaError };

export type WatchOptions = {
  /** Not only metadata; what is told as `deleted` after a list has metadata alone. */
  whole?: boolean;
  labelSelector?: string;
  namespace?: string;
  random?: () => number;
  /** Makes the watch list again; see `Interruption`. */
  interruption?: Interruption;
};

/** A wish from outside, e.g. for a full pass. */
export class Interruption {
  #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  fire(): void {
    const old = this.#controller;
    this.#controller = new AbortController();
    old.abort();
  }
}

/** Seconds after which the server ends a watch, ± 10 %: a fleet's watches must not end together. */
const WATCH_SECONDS = 290;
/** Bookmarks come about once a minute; so long without any byte means that the connection is dead. */
const SILENCE_MS = 150_000;
const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** A stream that ends sooner without an event counts as a failure, so that nothing spins. */
const SHORTEST_MS = 1_000;
const RETRY = { first: 400, most: 30_000 } as const;

/**
 * What exists of one kind, for ever: pages of 500, then a watch with bookmarks, resumed where it ended, listed again on 410. What was
 * missed in between is told as `added`, `modified` or `deleted`. Ends only with the signal; never throws.
 * Laws: after `synced` the consumer has been told of exactly what exists; each object's events come in order.
 */
export async function* watchKind(
  client: KubeClient,
  resource: Resource,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void> {
  const watch = new KindWatch(client, resource, options);
  const random = options.random ?? Math.random;
  let failures = 0;
  while (!signal.aborted) {
    const limit = options.interruption ? AbortSignal.any([signal, options.interruption.signal]) : signal;
    const began = Date.now();
    let asked = 0;
    try {
      let told = 0;
      for await (const event of watch.once(failures > 0, limit)) {
        if (event.type !== 'synced' || told > 0) failures = 0;
        told++;
        yield event;
      }
      if (told === 0 && Date.now() - began < SHORTEST_MS) failures++;
    } catch (error) {
      if (signal.aborted) return;
      if (limit.aborted) {
        watch.forgetVersion();
        continue;
      }
      failures++;
      asked = Math.min((error instanceof KubeError && error.retryAfter) || 0, RETRY.most);
      if (isExpired(error)) watch.forgetVersion();
      if (isNotFound(error)) {
        yield* watch.tellAllDeleted();
        yield { type: 'gone' };
      } else if (!isExpired(error)) yield { type: 'trouble', error: asFlotilla(error, resource) };
    }
    await pause(Math.max(asked, backoff(RETRY, failures, random())), limit);
  }
}

const asFlotilla = (error: unknown, resource: Resource): FlotillaError =>
  error instanceof FlotillaError ? error : noAnswer(`watch ${resource.plural}`, error);

class KindWatch {
  readonly #client: KubeClient;
  readonly #resource: Resource;
  readonly #options: WatchOptions;
  /** Key → resourceVersion of what the consumer has been told exists. */
  readonly #known = new Map<string, string>();
  /** Where the next watch begins; undefined: list first. */
  #version: string | undefined;

  constructor(client: KubeClient, resource: Resource, options: WatchOptions) {
    this.#client = client;
    this.#resource = resource;
    this.#options = options;
  }

  forgetVersion(): void {
    this.#version = undefined;
  }

  *tellAllDeleted(): Generator<WatchEvent> {
    this.#version = undefined;
    for (const key of [...this.#known.keys()]) yield this.#deleted(key);
  }

  /** Lists if it must, then watches until the server ends it. */
  async *once(again: boolean, signal: AbortSignal): AsyncGenerator<WatchEvent, void> {
    const listed = this.#version === undefined;
    if (listed) yield* this.#list(signal);
    if (listed) yield { type: 'synced' };
    yield* this.#stream(again && !listed, signal);
  }

  async *#list(signal: AbortSignal): AsyncGenerator<WatchEvent, void> {
    const { labelSelector, namespace, whole = false } = this.#options;
    const unseen = new Set(this.#known.keys());
    let version = '';
    const options = {
      metadata: !whole,
      ...(labelSelector !== undefined && { labelSelector }),
      ...(namespace !== undefined && { namespace }),
    };
    for await (const page of this.#client.pages(this.#resource, options, signal)) {
      version = page.resourceVersion;
      for (const object of page.items) {
        const key = keyOf(object);
        unseen.delete(key);
        const before = this.#known.get(key);
        const now = object.metadata.resourceVersion ?? '';
        if (before === now) continue;
        this.#known.set(key, now);
        yield { type: before === undefined ? 'added' : 'modified', object };
      }
    }
    for (const key of unseen) yield this.#deleted(key);
    this.#version = version;
  }

  #deleted(key: string): WatchEvent {
    this.#known.delete(key);
    const slash = key.indexOf('/');
    const namespace = key.slice(0, slash);
    const { group, version, kind } = this.#resource;
    return {
      type: 'deleted',
      object: {
        apiVersion: group === '' ? version : `${group}/${version}`,
        kind,
        metadata: { name: key.slice(slash + 1), ...(namespace && { namespace }) },
      },
    };
  }

  async *#stream(tellSynced: boolean, signal: AbortSignal): AsyncGenerator<WatchEvent, void> {
    const subject = `watch ${this.#resource.plural}`;
    const random = this.#options.random ?? Math.random;
    const response = await send(
      this.#client.connection,
      {
        method: 'GET',
        path: pathOfResource(this.#resource, this.#options.namespace),
        query: {
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: this.#version,
          timeoutSeconds: jittered(WATCH_SECONDS, 0.1, random()),
          labelSelector: this.#options.labelSelector,
        },
        ...(!this.#options.whole && { accept: METADATA }),
        subject,
      },
      SILENCE_MS,
      signal,
    );
    if (response.statusCode !== 200) {
      const text = await readText(response, 64 * 1024, subject);
      throw refusal(subject, response, parsed(text));
    }
    if (tellSynced) yield { type: 'synced' };
    for await (const line of jsonLines(response.body, MAX_LINE_BYTES)) {
      const event = this.#take(line, subject);
      if (event) yield event;
    }
  }

  #take(line: unknown, subject: string): WatchEvent | undefined {
    const { type, object } = (isRecord(line) ? line : {}) as { type?: unknown; object?: unknown };
    if (type === 'ERROR') {
      const code = isRecord(object) && typeof object.code === 'number' ? object.code : 500;
      throw errorOf(subject, code, object);
    }
    if (!isRecord(object) || !isRecord(object.metadata))
      throw new KubeError('kube-failed', `${subject}: an event without object`, {
        status: 200,
        reason: 'NotAnObject',
      });
    const metadata = object.metadata as KubeObject['metadata'];
    this.#version = metadata.resourceVersion ?? this.#version;
    if (type === 'BOOKMARK') return undefined;
    const { group, version, kind } = this.#resource;
    const told: KubeObject = {
      ...(this.#options.whole && object),
      apiVersion: group === '' ? version : `${group}/${version}`,
      kind,
      metadata,
    };
    const key = keyOf(told);
    if (type === 'DELETED') {
      this.#known.delete(key);
      return { type: 'deleted', object: told };
    }
    const before = this.#known.has(key);
    this.#known.set(key, metadata.resourceVersion ?? '');
    return { type: before ? 'modified' : 'added', object: told };
  }
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 300) };
  }
}
