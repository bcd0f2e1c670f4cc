import type { Json, JsonObject } from '../json.ts';
import type { KindTable } from '../kinds/kind-table.ts';
import type { Kind } from '../kinds/kinds.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const SUB_VERBS = ['get', 'patch', 'update'];

const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3+sim',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'simulated',
};

/** The discovery document at a path, or undefined when the path is none of discovery's. */
export function discoveryAt(path: string, kinds: KindTable): JsonObject | undefined {
  const parts = path.split('/').filter(Boolean);
  const [root, group, version] = parts;
  if (root === 'version' && parts.length === 1) return VERSION;
  if (root === 'api' && parts.length === 1) return { kind: 'APIVersions', versions: ['v1'] };
  if (root === 'api' && parts.length === 2) return resourceList(`${group}`, '', group ?? '', kinds);
  if (root !== 'apis') return undefined;
  if (parts.length === 1) {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(kinds).map((g) => groupOf(g, kinds)) };
  }
  if (parts.length === 2) {
    return groupsOf(kinds).includes(group ?? '')
      ? { ...groupOf(group ?? '', kinds), kind: 'APIGroup', apiVersion: 'v1' }
      : undefined;
  }
  return parts.length === 3
    ? resourceList(`${group}/${version}`, group ?? '', version ?? '', kinds)
    : undefined;
}

function groupsOf(kinds: KindTable): string[] {
  return [...new Set(kinds.all().map((kind) => kind.group))].filter(Boolean);
}

function versionsOf(group: string, kinds: KindTable): string[] {
  const own = kinds.all().filter((kind) => kind.group === group);
  return [...new Set(own.map((kind) => kind.version))];
}

function groupOf(group: string, kinds: KindTable): JsonObject {
  const versions = versionsOf(group, kinds).map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] ?? null };
}

function kindsAt(group: string, version: string, kinds: KindTable): Kind[] {
  return [...kinds.all().filter((kind) => kind.group === group && kind.version === version)];
}

function resourceList(
  groupVersion: string,
  group: string,
  version: string,
  kinds: KindTable,
): JsonObject | undefined {
  const own = kindsAt(group, version, kinds);
  if (own.length === 0) return undefined;
  const resources = own.flatMap((kind): JsonObject[] => [
    {
      name: kind.resource,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: VERBS,
      ...optional('shortNames', kind.shortNames),
      ...optional('categories', kind.categories),
    },
    ...subresourcesOf(kind).map(({ subresource, responseKind }) => ({
      name: `${kind.resource}/${subresource}`,
      singularName: '',
      namespaced: kind.namespaced,
      ...(responseKind.group ? { group: responseKind.group, version: responseKind.version ?? '' } : {}),
      kind: responseKind.kind ?? '',
      verbs: SUB_VERBS,
    })),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

function subresourcesOf(kind: Kind): { subresource: string; responseKind: JsonObject; verbs: string[] }[] {
  const own = { group: '', version: '', kind: kind.kind };
  const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
  return [
    ...(kind.scale ? [{ subresource: 'scale', responseKind: scale, verbs: SUB_VERBS }] : []),
    ...(kind.status ? [{ subresource: 'status', responseKind: own, verbs: SUB_VERBS }] : []),
  ];
}

function optional(name: string, list: readonly string[]): JsonObject {
  return list.length > 0 ? { [name]: [...list] } : {};
}

/** The aggregated document of `/api` or `/apis`: every resource in one answer. */
export function aggregatedAt(path: string, kinds: KindTable): JsonObject | undefined {
  if (path !== '/api' && path !== '/apis') return undefined;
  const groups = path === '/api' ? [''] : groupsOf(kinds);
  const items = groups.map((group) => ({
    metadata: group ? { name: group } : {},
    versions: versionsOf(group, kinds).map((version) => ({
      version,
      resources: kindsAt(group, version, kinds).map(aggregated),
      freshness: 'Current',
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function aggregated(kind: Kind): JsonObject {
  const subresources: Json[] = subresourcesOf(kind);
  return {
    resource: kind.resource,
    responseKind: { group: '', version: '', kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: VERBS,
    ...optional('shortNames', kind.shortNames),
    ...optional('categories', kind.categories),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
