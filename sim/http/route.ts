import type { KindTable } from '../kinds/kind-table.ts';
import type { Kind } from '../kinds/kinds.ts';

/** What a path asks for. */
export type Route =
  | { readonly type: 'path'; readonly path: string }
  | {
      readonly type: 'resource';
      readonly kind: Kind;
      /** '' for cluster-scoped kinds and for all namespaces. */
      readonly namespace: string;
      /** Undefined for the collection. */
      readonly name: string | undefined;
      readonly subresource: string | undefined;
    }
  /** Nothing; `isServed` says that at least the group and version are. */
  | { readonly type: 'unknown'; readonly isServed: boolean };

/** Reads a path such as `/apis/apps/v1/namespaces/shop/deployments/web/scale`. */
export function parseRoute(path: string, kinds: KindTable): Route {
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  const [root, ...rest] = parts;
  if (root === 'api' && rest.length > 1) return resource('', rest[0] ?? '', rest.slice(1), kinds);
  if (root === 'apis' && rest.length > 2) return resource(rest[0] ?? '', rest[1] ?? '', rest.slice(2), kinds);
  return { type: 'path', path: `/${parts.join('/')}` };
}

function resource(group: string, version: string, parts: string[], kinds: KindTable): Route {
  const find = (name: string) => kinds.find(group, version, name);
  const hasVersion = kinds.all().some((kind) => kind.group === group && kind.version === version);
  const unknown: Route = { type: 'unknown', isServed: hasVersion };
  const isScoped = parts[0] === 'namespaces' && parts.length > 2 && !isNamespaceSubresource(parts);
  const namespace = isScoped ? (parts[1] ?? '') : '';
  const [plural = '', name, subresource, ...more] = isScoped ? parts.slice(2) : parts;
  const kind = find(plural);
  if (!kind || more.length > 0 || kind.namespaced !== isScoped) {
    // A list over all namespaces names none.
    if (!(kind?.namespaced && !isScoped && name === undefined)) return unknown;
  }
  if (!isServed(kind, subresource)) return unknown;
  return { type: 'resource', kind, namespace, name, subresource };
}

function isNamespaceSubresource(parts: string[]): boolean {
  return parts.length === 3 && (parts[2] === 'status' || parts[2] === 'finalize');
}

function isServed(kind: Kind, subresource: string | undefined): boolean {
  if (subresource === undefined) return true;
  if (subresource === 'status') return kind.status;
  return subresource === 'scale' && kind.scale !== undefined;
}
