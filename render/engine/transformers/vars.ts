import { goText } from '../../yaml/go-json.ts';
import type { Json } from '../../yaml/read.ts';
import { about } from '../about.ts';
import { EngineFault } from '../fault.ts';
import { lookUp, splitFieldPath } from '../field-match.ts';
import { changeField, mapShared } from '../field-path.ts';
import { type FieldSpec, fieldSpecsOf } from '../field-specs.ts';
import { isMap, isNull, type JsonMap, kindOf, set } from '../json.ts';
import type { MergeSchema } from '../merge/schema.ts';
import { isClusterScoped } from '../merge/schema.ts';
import type { VarEntry } from '../read/kustomization.ts';
import { apiVersionOf, parseApiVersion, sameGvkAndName, sameId } from '../resource-id.ts';
import type { Resources } from '../resources.ts';

/** A var: its name, and the field of an object that it stands for. Which object is noted on the object. */
export type Var = { readonly name: string; readonly fieldPath: string };

/**
 * Notes on objects which vars of a kustomization mean them, and adds the vars to those of its bases.
 * @throws EngineFault when a name is taken, or several objects could be meant
 */
export function addVars(
  entries: readonly VarEntry[],
  vars: Map<string, Var>,
  resources: Resources,
  schema: MergeSchema,
): void {
  for (const entry of entries) {
    const { name: object = '', namespace = '', apiVersion, ...gvk } = entry.objref ?? {};
    const {
      group = '',
      version = '',
      kind = '',
    } = { ...gvk, ...(apiVersion && parseApiVersion(apiVersion)) };
    const cluster = isClusterScoped(schema, apiVersionOf({ group, version }), kind);
    const id = { group, version, kind, name: object, namespace, cluster };
    const same = namespace !== '' || cluster ? sameId : sameGvkAndName;
    const matches = resources.list.filter(({ anyIds }) => anyIds.some((one) => same(one, id)));
    if (matches.length > 1) throw new EngineFault(`var ${entry.name} could mean ${matches.length} objects`);
    const [meant] = matches;
    if (meant) meant.vars = [...meant.vars, entry.name ?? ''];
  }
  for (const { name = '', fieldref } of entries)
    addVar(vars, { name, fieldPath: fieldref?.fieldPath || 'metadata.name' });
}

export function addVar(vars: Map<string, Var>, one: Var): void {
  if (vars.has(one.name)) throw new EngineFault(`var ${one.name} is there already`);
  vars.set(one.name, one);
}

/**
 * Replaces `$(NAME)` in the fields of the configuration by what the vars stand for now. A field that is nothing but one
 * var takes the value's type.
 *
 * @throws EngineFault for a var that leads to no object or no field
 */
export function resolveVars(
  resources: Resources,
  vars: ReadonlyMap<string, Var>,
  specs: readonly FieldSpec[],
): void {
  if (vars.size === 0) return;
  const values = new Map([...vars.values()].map((one) => [one.name, fieldOf(one, resources)]));
  for (const resource of resources.list) {
    about(resource, () => {
      for (const spec of fieldSpecsOf(specs, resource.id))
        resource.write(
          changeField(resource.value, { ...spec, create: false }, (field) => expandField(field, values)),
        );
    });
  }
  resources.changed();
}

function fieldOf({ name, fieldPath }: Var, resources: Resources): Json {
  const meant = resources.list.find((resource) => resource.vars.includes(name));
  if (!meant) throw new EngineFault(`var ${name} means no object that is there`);
  const path = splitFieldPath(fieldPath).flatMap(withIndex);
  const value = lookUp(meant.value as Json, path);
  if (value === undefined) throw new EngineFault(`var ${name}: its object has no field ${fieldPath}`);
  return value;
}

/** `ports[0]` is the key and then the index. */
function withIndex(part: string): string[] {
  const indexed = /^(.*)\[(\d+)\]$/.exec(part);
  if (!indexed) return [part];
  const [, key = '', index = ''] = indexed;
  return key === '' ? [index] : [key, index];
}

type Values = ReadonlyMap<string, Json>;

function expandField(field: Json, values: Values): Json {
  if (isNull(field)) return field;
  if (typeof field === 'string') return expand(field, values);
  if (Array.isArray(field))
    return mapShared(field, (item) => {
      if (typeof item !== 'string')
        throw new EngineFault(`vars are looked for in a list of text that holds ${kindOf(item)}`);
      return expand(item, values);
    });
  if (!isMap(field)) return field;
  let result: JsonMap = field;
  for (const [key, value] of Object.entries(field))
    if (typeof value === 'string') result = set(result, key, expand(value, values));
  return result as Json;
}

/** `$$` stands for a dollar; what is no var stays as it is written. */
function expand(text: string, values: Values): Json {
  if (!text.includes('$')) return text;
  const whole = /^\$\(([^)]*)\)$/.exec(text);
  if (whole) return scalarOf(whole[1]!, values) ?? text;
  return text.replace(/\$(?:\(([^)]*)\)|\$)/g, (written, name: string | undefined) => {
    if (name === undefined) return '$';
    const value = scalarOf(name, values);
    if (value === undefined) return written;
    return typeof value === 'number' ? goText(value) : String(value);
  });
}

/** The value of a var, unless it is a map or list, which no text can take. */
function scalarOf(name: string, values: Values): Json | undefined {
  const value = values.get(name);
  return value === undefined || (typeof value === 'object' && value !== null) ? undefined : (value ?? 'null');
}
