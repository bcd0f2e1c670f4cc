import type { ServerResponse } from 'node:http';
import type { Cluster } from '../cluster.ts';
import { StatusError } from '../errors.ts';
import type { Kind } from '../kinds/kinds.ts';
import type { Change, Stored } from '../store.ts';
import type { Form } from './negotiate.ts';
import { renderAs } from './read.ts';
import type { Matcher } from './selectors.ts';
import { parseSelectors } from './selectors.ts';

/** Milliseconds between bookmarks on a watch that asks for them. */
const BOOKMARK_EVERY = 60_000;
/** Bytes a slow watcher may have waiting; beyond it the watch ends and the client has to list again. */
const MAX_PENDING = 16 << 20;
const DEFAULT_TIMEOUT = 1800;

/**
 * Answers a watch. Without a resourceVersion, or with "0", it starts with the present objects as ADDED; otherwise with
 * the changes since, or with the error 410 when those are forgotten. Objects that begin or cease to match the selectors
 * are ADDED and DELETED.
 */
export function watchObjects(
  cluster: Cluster,
  kind: Kind,
  namespace: string,
  query: URLSearchParams,
  form: Form,
  response: ServerResponse,
): void {
  const selects = parseSelectors(query, kind);
  const matches: Matcher = (object) =>
    (namespace === '' || object.namespace === namespace) && selects(object);
  const wantsBookmarks = query.get('allowWatchBookmarks') === 'true';
  const since = Number(query.get('resourceVersion') ?? 0);
  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
  response.flushHeaders();

  let ended = false;
  const send = (type: string, text: string) => {
    if (ended) return;
    response.write(`{"type":"${type}","object":${text}}\n`);
    if (response.writableLength > MAX_PENDING) end();
  };
  const bookmark = (annotations?: Record<string, string>) =>
    send('BOOKMARK', bookmarkText(kind, form, cluster.store.revision, annotations));
  const deliver = (change: Change) => {
    const event = eventFor(change, matches);
    if (event) send(event.type, renderAs(event.object, kind, form));
  };

  const wantsInitial = query.get('sendInitialEvents') === 'true';
  const backlog = since > 0 && !wantsInitial ? cluster.store.since(kind, since) : [];
  if (!backlog) {
    send('ERROR', JSON.stringify(tooOld(since, cluster.store.revision).toJson()));
    response.end();
    return;
  }
  if (since === 0 || wantsInitial) {
    for (const object of cluster.store.list(kind, namespace)) {
      if (matches(object)) send('ADDED', renderAs(object, kind, form));
    }
    if (wantsInitial && wantsBookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' });
  }
  for (const change of backlog) deliver(change);

  const unsubscribe = cluster.store.subscribe(kind, deliver);
  const bookmarks = wantsBookmarks ? setInterval(() => bookmark(), BOOKMARK_EVERY) : undefined;
  const seconds = Number(query.get('timeoutSeconds') ?? DEFAULT_TIMEOUT);
  const timeout = setTimeout(() => {
    if (wantsBookmarks) bookmark();
    end();
  }, seconds * 1000);
  const uncut = cluster.faults.onCut(() => response.destroy());
  const end = () => {
    if (ended) return;
    ended = true;
    unsubscribe();
    uncut();
    clearInterval(bookmarks);
    clearTimeout(timeout);
    response.end();
  };
  response.on('close', end);
}

/** What a watcher sees of a change, given what it selects. */
function eventFor(change: Change, matches: Matcher): { type: string; object: Stored } | undefined {
  const { type, object, before } = change;
  const is = matches(object);
  const was = before !== undefined && matches(before);
  if (type === 'DELETED') return was ? { type: 'DELETED', object } : undefined;
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  // The last state that matched, at the revision at which it ceased to.
  return was ? { type: 'DELETED', object: atRevision(before, object.revision) } : undefined;
}

function atRevision(object: Stored, revision: number): Stored {
  const metadata = object.metadata.replace(/"resourceVersion":"\d+"/, `"resourceVersion":"${revision}"`);
  return { ...object, metadata };
}

function bookmarkText(
  kind: Kind,
  form: Form,
  revision: number,
  annotations?: Record<string, string>,
): string {
  const head =
    form === 'metadata'
      ? { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' }
      : { kind: kind.kind, apiVersion: kind.apiVersion };
  return JSON.stringify({
    ...head,
    metadata: { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) },
  });
}

function tooOld(asked: number, now: number): StatusError {
  return new StatusError(410, 'Expired', `too old resource version: ${asked} (${now})`);
}
