import type { Json, JsonObject } from '../json.ts';
import type { KindTable } from '../kinds/kind-table.ts';
import type { Kind } from '../kinds/kinds.ts';
import type { Field, MapType, Type } from '../schema/types.ts';

/** The OpenAPI v3 documents: the index, and one a group and version. Undefined for other paths. */
export function openApiAt(path: string, kinds: KindTable): JsonObject | undefined {
  if (path === '/openapi/v3') {
    const roots = new Set(kinds.all().map(rootOf));
    const paths = [...roots].map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }]);
    return { paths: Object.fromEntries(paths) };
  }
  const root = /^\/openapi\/v3\/(.+)$/.exec(path)?.[1];
  if (root === undefined) return undefined;
  const own = [...kinds.all().filter((kind) => rootOf(kind) === root)];
  return own.length > 0 ? documentOf(own) : undefined;
}

function rootOf({ group, version }: Kind): string {
  return group ? `apis/${group}/${version}` : `api/${version}`;
}

function documentOf(kinds: Kind[]): JsonObject {
  const schemas: JsonObject = {};
  const paths: JsonObject = {};
  for (const kind of kinds) {
    const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
    const scope = kind.namespaced ? '/namespaces/{namespace}' : '';
    const operation = (action: string): JsonObject => ({
      operationId: `${action}${kind.kind}`,
      parameters: ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
        name,
        in: 'query',
        schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
      })),
      responses: { 200: { description: 'OK' } },
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': gvk,
    });
    paths[`/${rootOf(kind)}${scope}/${kind.resource}`] = { post: operation('post') };
    paths[`/${rootOf(kind)}${scope}/${kind.resource}/{name}`] = {
      put: operation('put'),
      patch: operation('patch'),
    };
    schemas[modelName(kind)] = {
      ...(kind.custom ? kind.custom.schema : mapSchema(kind.type, schemas)),
      'x-kubernetes-group-version-kind': [gvk],
    };
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'sim' }, paths, components: { schemas } };
}

function modelName({ group, version, kind }: Kind): string {
  return `sim.${group || 'core'}.${version}.${kind}`;
}

/** Struct types are written once and referred to; they refer to themselves in places. */
function schemaOf(type: Type, schemas: JsonObject): JsonObject {
  switch (type.kind) {
    case 'any':
      return { 'x-kubernetes-preserve-unknown-fields': true };
    case 'scalar':
      return {
        type: { integer: 'integer', number: 'number', boolean: 'boolean' }[type.scalar as string] ?? 'string',
      };
    case 'list':
      return { type: 'array', items: schemaOf(type.item, schemas) };
    case 'map': {
      if (type.name === '') return mapSchema(type, schemas);
      const name = `sim.${type.name}`;
      if (!(name in schemas)) {
        schemas[name] = {};
        schemas[name] = mapSchema(type, schemas);
      }
      return { $ref: `#/components/schemas/${name}` };
    }
    default:
      return type satisfies never;
  }
}

function mapSchema(type: MapType, schemas: JsonObject): JsonObject {
  const properties: JsonObject = {};
  for (const [name, field] of type.fields) {
    properties[name] = { ...schemaOf(field.type, schemas), ...extensionsOf(field) };
  }
  return {
    type: 'object',
    ...(type.fields.size > 0 ? { properties } : {}),
    ...(type.rest ? { additionalProperties: schemaOf(type.rest, schemas) } : {}),
    ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  };
}

/** The list, map and patch extensions of a field, which clients merge by. */
function extensionsOf({ type, patch }: Field): JsonObject {
  const out: Record<string, Json> = {};
  if (type.kind === 'list') {
    const { merge } = type;
    out['x-kubernetes-list-type'] = typeof merge === 'object' ? 'map' : merge;
    if (typeof merge === 'object') out['x-kubernetes-list-map-keys'] = [...merge.keys];
  }
  const strategies = [
    ...(patch.mergeKey === undefined ? [] : ['merge']),
    ...(patch.replace && type.kind === 'map' ? ['replace'] : []),
    ...(patch.retainKeys ? ['retainKeys'] : []),
  ];
  if (strategies.length > 0) out['x-kubernetes-patch-strategy'] = strategies.join(',');
  if (patch.mergeKey) out['x-kubernetes-patch-merge-key'] = patch.mergeKey;
  return out;
}
