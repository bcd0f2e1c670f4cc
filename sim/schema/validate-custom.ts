import type { FieldError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { equal, isObject } from '../json.ts';

/** Checks a custom object against its schema: types, required, enum, bounds, patterns and lengths. */
export function validateCustom(object: JsonObject, schema: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion: _, kind: __, metadata: ___, ...rest } = object;
  // apiVersion, kind and metadata are always there, whatever the schema requires.
  const required = Array.isArray(schema.required) ? schema.required : [];
  const own = required.filter((name) => !['apiVersion', 'kind', 'metadata'].includes(String(name)));
  check(rest, { ...schema, required: own }, '', errors);
  return errors;
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fits(value: Json, type: Json | undefined): boolean {
  const name = typeName(value);
  return name === type || (type === 'number' && name === 'integer');
}

function check(value: Json, schema: JsonObject, path: string, errors: FieldError[]): void {
  const report = (error: Omit<FieldError, 'field'>) => errors.push({ ...error, field: path });
  if (value === null && schema.nullable === true) return;
  if (schema['x-kubernetes-int-or-string'] === true) {
    const isEither = typeof value === 'string' || Number.isInteger(value);
    if (!isEither) {
      report({
        type: 'type',
        value: typeName(value),
        detail: `${path} in body must be of type integer,string: "${typeName(value)}"`,
      });
    }
    return;
  }
  if (schema.type !== undefined && !fits(value, schema.type)) {
    const is = typeName(value);
    const detail = `${path} in body must be of type ${String(schema.type)}: "${is}"`;
    report({ type: 'type', value: is, detail });
    return;
  }
  const allowed = schema.enum;
  if (Array.isArray(allowed) && !allowed.some((item) => equal(item, value))) {
    const detail = `supported values: ${allowed.map((item) => JSON.stringify(item)).join(', ')}`;
    report({ type: 'unsupported', value, detail });
  }
  if (typeof value === 'number') checkNumber(value, schema, path, report);
  if (typeof value === 'string') checkString(value, schema, path, report);
  if (Array.isArray(value)) checkArray(value, schema, path, errors);
  if (isObject(value)) checkObject(value, schema, path, errors);
}

type Report = (error: Omit<FieldError, 'field'>) => void;

function checkNumber(value: number, schema: JsonObject, path: string, report: Report): void {
  const { minimum, maximum } = schema;
  if (typeof minimum === 'number' && value < minimum) {
    report({
      type: 'invalid',
      value,
      detail: `${path} in body should be greater than or equal to ${minimum}`,
    });
  }
  if (typeof maximum === 'number' && value > maximum) {
    report({ type: 'invalid', value, detail: `${path} in body should be less than or equal to ${maximum}` });
  }
}

function checkString(value: string, schema: JsonObject, path: string, report: Report): void {
  const { minLength, maxLength, pattern } = schema;
  if (typeof minLength === 'number' && value.length < minLength) {
    report({ type: 'invalid', value, detail: `${path} in body should be at least ${minLength} chars long` });
  }
  if (typeof maxLength === 'number' && value.length > maxLength) {
    report({ type: 'invalid', value, detail: `${path} in body should be at most ${maxLength} chars long` });
  }
  if (typeof pattern === 'string' && !new RegExp(pattern).test(value)) {
    report({ type: 'invalid', value, detail: `${path} in body should match '${pattern}'` });
  }
}

function checkArray(value: Json[], schema: JsonObject, path: string, errors: FieldError[]): void {
  const { minItems, maxItems, items } = schema;
  if (typeof minItems === 'number' && value.length < minItems) {
    const detail = `${path} in body should have at least ${minItems} items`;
    errors.push({ type: 'invalid', field: path, value: value.length, detail });
  }
  if (typeof maxItems === 'number' && value.length > maxItems) {
    const detail = `must have at most ${maxItems} items`;
    errors.push({ type: 'invalid', field: path, value: value.length, detail });
  }
  if (isObject(items)) for (const [i, item] of value.entries()) check(item, items, `${path}[${i}]`, errors);
}

function checkObject(value: JsonObject, schema: JsonObject, path: string, errors: FieldError[]): void {
  const below = (name: string) => (path ? `${path}.${name}` : name);
  for (const name of Array.isArray(schema.required) ? schema.required : []) {
    if (typeof name === 'string' && !(name in value)) errors.push({ type: 'required', field: below(name) });
  }
  const properties = isObject(schema.properties) ? schema.properties : {};
  const additional = schema.additionalProperties;
  for (const [name, item] of Object.entries(value)) {
    const property = properties[name] ?? additional;
    if (isObject(property)) check(item, property, below(name), errors);
  }
}
