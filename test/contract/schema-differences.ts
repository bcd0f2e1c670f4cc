import { BUILT_IN_KINDS } from '#sim/kinds/kinds.ts';
import type { Field, MapType, Type } from '#sim/schema/types.ts';
import type { Loose } from './api.ts';

/**
 * Compares the type tables with an OpenAPI v2 document, from every built-in kind downwards: the fields of each struct,
 * the kind of each value, how lists and maps merge, and how strategic patches treat them. Each line is a difference.
 */
export function schemaDifferences(document: Loose): string[] {
  const walk = new Comparer(document.definitions);
  for (const { group, version, kind, type } of BUILT_IN_KINDS) {
    const model = Object.entries<Loose>(document.definitions).find(([, definition]) =>
      definition['x-kubernetes-group-version-kind']?.some(
        (gvk: Loose) => gvk.group === group && gvk.version === version && gvk.kind === kind,
      ),
    );
    if (model) walk.struct(kind, type, model[0]);
    else walk.differences.push(`${kind}: not published`);
  }
  return walk.differences;
}

/** Types whose inside only the server knows; the tables take them as they come. */
const OPAQUE = /\.(JSON|JSONSchemaPropsOr\w+|FieldsV1|RawExtension)$/;
const SCALARS: Record<string, string[]> = {
  string: ['string', 'bytes', 'time', 'microtime', 'quantity', 'intstr'],
  integer: ['integer'],
  number: ['number'],
  boolean: ['boolean'],
};

class Comparer {
  readonly differences: string[] = [];
  readonly #definitions: Loose;
  readonly #seen = new Set<string>();

  constructor(definitions: Loose) {
    this.#definitions = definitions;
  }

  struct(path: string, type: MapType, model: string): void {
    if (this.#seen.has(model)) return;
    this.#seen.add(model);
    const definition = this.#definitions[model];
    const published = Object.keys(definition.properties ?? {});
    for (const name of published) if (!type.fields.has(name)) this.#report(path, name, 'is missing');
    for (const [name, field] of type.fields) {
      const property = definition.properties?.[name];
      if (property) this.#field(`${path}.${name}`, field, property);
      else this.#report(path, name, 'is not published');
    }
    if (type.atomic !== (definition['x-kubernetes-map-type'] === 'atomic')) {
      this.#report(path, '', 'is atomic only on one side');
    }
  }

  #report(path: string, name: string, what: string): void {
    this.differences.push(`${path}${name ? `.${name}` : ''} ${what}`);
  }

  #field(path: string, { type, patch }: Field, property: Loose): void {
    const strategies: string[] = property['x-kubernetes-patch-strategy']?.split(',') ?? [];
    const mergeKey = strategies.includes('merge')
      ? (property['x-kubernetes-patch-merge-key'] ?? '')
      : undefined;
    if (patch.mergeKey !== mergeKey) this.#report(path, '', `merges by ${patch.mergeKey}, not ${mergeKey}`);
    if (patch.retainKeys !== strategies.includes('retainKeys'))
      this.#report(path, '', 'differs in retainKeys');
    this.#value(path, type, property);
  }

  #value(path: string, type: Type, property: Loose): void {
    const model = property.$ref?.replace('#/definitions/', '');
    if (type.kind === 'any') {
      if (!OPAQUE.test(model ?? '') && property.type !== 'object') this.#report(path, '', 'is not opaque');
    } else if (type.kind === 'scalar') {
      const published = model ? this.#definitions[model].type : property.type;
      if (!SCALARS[published]?.includes(type.scalar)) {
        this.#report(path, '', `is ${type.scalar}, not ${published}`);
      }
    } else if (type.kind === 'list') {
      const keys: string[] = property['x-kubernetes-list-map-keys'] ?? [];
      const merge = typeof type.merge === 'object' ? `map ${type.merge.keys}` : type.merge;
      const wanted = keys.length > 0 ? `map ${keys}` : (property['x-kubernetes-list-type'] ?? 'atomic');
      if (merge !== wanted) this.#report(path, '', `is ${merge}, not ${wanted}`);
      this.#value(`${path}[]`, type.item, property.items ?? {});
    } else if (model) {
      const granular = property['x-kubernetes-map-type'] === 'granular';
      this.struct(path, granular ? { ...type, fields: type.fields, atomic: true } : type, model);
    } else {
      const atomic = property['x-kubernetes-map-type'] === 'atomic';
      if (type.atomic !== atomic) this.#report(path, '', `is ${type.atomic ? '' : 'not '}atomic`);
      if (type.rest) this.#value(`${path}{}`, type.rest, property.additionalProperties ?? {});
    }
  }
}
