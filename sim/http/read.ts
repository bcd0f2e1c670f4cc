import type { Cluster } from '../cluster.ts';
import { badRequest, notFound, StatusError } from '../errors.ts';
import type { Kind } from '../kinds/kinds.ts';
import type { Stored } from '../store.ts';
import { render } from '../store.ts';
import type { Form } from './negotiate.ts';
import { parseSelectors } from './selectors.ts';
import { renderTable } from './table.ts';

const PARTIAL = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' };

/** One object in the form asked for. */
export function renderAs(stored: Stored, kind: Kind, form: Form): string {
  if (form === 'metadata') return render({ ...stored, rest: '' }, PARTIAL);
  return form === 'table' ? renderTable(kind, [stored], String(stored.revision)) : render(stored, kind);
}

export function getObject(cluster: Cluster, kind: Kind, namespace: string, name: string, form: Form): string {
  const stored = cluster.store.get(kind, namespace, name);
  if (!stored) throw notFound(kind, name);
  return renderAs(stored, kind, form);
}

/** A list, or one page of it. A page is cut from the state its first page showed, as far as that is remembered. */
export function listObjects(
  cluster: Cluster,
  kind: Kind,
  namespace: string,
  query: URLSearchParams,
  form: Form,
): string {
  const matches = parseSelectors(query, kind);
  const limit = Number(query.get('limit') ?? 0);
  const token = query.get('continue');
  const page = token ? parseToken(token) : undefined;
  const { revision } = cluster.store;
  if (page && !cluster.store.since(kind, page.revision)) throw expired();
  const at = page?.revision ?? revision;
  const all = cluster.store.list(kind, namespace).filter(matches);
  const rest = page ? all.filter((object) => keyOf(object) > page.after) : all;
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const last = items.at(-1);
  const more =
    last && items.length < rest.length
      ? { continue: writeToken(at, keyOf(last)), remainingItemCount: rest.length - items.length }
      : undefined;
  if (form === 'table') return renderTable(kind, items, String(at), more?.continue);
  const isPartial = form === 'metadata';
  const metadata = JSON.stringify({ resourceVersion: String(at), ...more });
  const texts = items.map((item) => (isPartial ? renderAs(item, kind, form) : renderItem(item, kind)));
  const listKind = isPartial ? 'PartialObjectMetadataList' : kind.listKind;
  const apiVersion = isPartial ? PARTIAL.apiVersion : kind.apiVersion;
  return `{"kind":"${listKind}","apiVersion":"${apiVersion}","metadata":${metadata},"items":[${texts.join(',')}]}`;
}

/** Items of a list of a built-in kind leave out what the list says: their kind. */
function renderItem(stored: Stored, kind: Kind): string {
  if (kind.custom) return render(stored, kind);
  return `{"metadata":${stored.metadata}${stored.rest ? `,${stored.rest}` : ''}}`;
}

function keyOf({ namespace, name }: Stored): string {
  return `${namespace}/${name}`;
}

interface PageToken {
  readonly revision: number;
  readonly after: string;
}

function writeToken(revision: number, after: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: after })).toString(
    'base64url',
  );
}

function parseToken(token: string): PageToken {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as {
      rv: number;
      start: string;
    };
    return { revision: rv, after: start };
  } catch (error) {
    throw Object.assign(badRequest('continue key is not valid'), { cause: error });
  }
}

function expired(): StatusError {
  return new StatusError(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
}
