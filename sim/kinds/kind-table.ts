import type { JsonObject } from '../json.ts';
import { isObject, objectAt, objectsAt, stringAt, valueAt } from '../json.ts';
import { compileSchema } from '../schema/crd.ts';
import type { Type } from '../schema/types.ts';
import type { Kind, ScalePaths } from './kinds.ts';
import { BUILT_IN_KINDS } from './kinds.ts';

/** The kinds one cluster serves: the built-in ones, and those of its established CRDs. */
export class KindTable {
  readonly #custom = new Map<string, Kind[]>();

  find(group: string, version: string, resource: string): Kind | undefined {
    return this.all().find((k) => k.resource === resource && k.group === group && k.version === version);
  }

  /** Every served version of every kind. */
  *all(): Generator<Kind> {
    yield* BUILT_IN_KINDS;
    for (const kinds of this.#custom.values()) yield* kinds;
  }

  /** One entry a kind: its first served version. */
  *stored(): Generator<Kind> {
    yield* BUILT_IN_KINDS;
    for (const [first] of this.#custom.values()) if (first) yield first;
  }

  /** The type of a resource at another of its versions; undefined when that is not served. */
  typeAt(kind: Kind, apiVersion: string): Type | undefined {
    if (apiVersion === kind.apiVersion) return kind.type;
    const same = (other: Kind) => other.group === kind.group && other.resource === kind.resource;
    return this.all().find((other) => same(other) && other.apiVersion === apiVersion)?.type;
  }

  establish(crd: JsonObject): void {
    this.#custom.set(stringAt(crd, 'metadata', 'name') ?? '', kindsOf(crd));
  }

  /** Stops serving a CRD. Returns the kinds that were served. */
  remove(crdName: string): Kind[] {
    const kinds = this.#custom.get(crdName) ?? [];
    this.#custom.delete(crdName);
    return kinds;
  }
}

/** The served kinds a CRD defines, newest version first as discovery prefers it. */
export function kindsOf(crd: JsonObject): Kind[] {
  const group = stringAt(crd, 'spec', 'group') ?? '';
  const names = objectAt(crd, 'spec', 'names') ?? {};
  const kind = stringAt(names, 'kind') ?? '';
  const strings = (name: string) => {
    const list = names[name];
    return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
  };
  const versions = objectsAt(crd, 'spec', 'versions').filter((version) => version.served === true);
  return versions
    .map((version): Kind => {
      const name = stringAt(version, 'name') ?? '';
      const schema = objectAt(version, 'schema', 'openAPIV3Schema') ?? {};
      const custom = compileSchema(schema, kind);
      const apiVersion = `${group}/${name}`;
      return {
        group,
        version: name,
        apiVersion,
        kind,
        listKind: stringAt(names, 'listKind') ?? `${kind}List`,
        resource: stringAt(names, 'plural') ?? '',
        singular: stringAt(names, 'singular') ?? kind.toLowerCase(),
        shortNames: strings('shortNames'),
        categories: strings('categories'),
        namespaced: stringAt(crd, 'spec', 'scope') === 'Namespaced',
        type: custom.type,
        status: isObject(valueAt(version, 'subresources', 'status')),
        scale: scaleOf(version),
        generation: true,
        custom,
        empty: { apiVersion, kind },
      };
    })
    .sort((a, b) => rank(b.version) - rank(a.version));
}

function scaleOf(version: JsonObject): ScalePaths | undefined {
  const scale = objectAt(version, 'subresources', 'scale');
  if (!scale) return undefined;
  const path = (name: string) => stringAt(scale, name)?.replace(/^\./, '');
  return {
    spec: path('specReplicasPath') ?? '',
    status: path('statusReplicasPath') ?? '',
    selector: path('labelSelectorPath'),
  };
}

/** Stable before beta before alpha, then the higher number. */
function rank(version: string): number {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return 0;
  const stability = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return stability * 1e6 + Number(match[1]) * 1e3 + Number(match[3] ?? 0);
}
