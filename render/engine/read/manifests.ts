import { type Json, type ReadDocument, readYaml } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { get, isEmpty, isMap, isNull, type JsonMap, kindOf, put, textOf } from '../json.ts';

/**
 * The objects of a file, as kustomize takes them in: empty documents are nothing, and a list of objects (`kind: …List`
 * with `items`) stands for what it holds, behind the other objects of the file.
 *
 * @throws YamlFault, and EngineFault for what has no kind or no name, and for more objects than can be rendered
 */
export function readManifests(text: string): JsonMap[] {
  refuseMany(text);
  const documents = readYaml(text, { blanks: true });
  const written = new Map(documents.map(({ value, written }) => [value, written]));
  return expand(documents.map(({ value }) => value)).map((object) =>
    withTextAnnotations(object, written.get(object as Json)),
  );
}

/** As many kinds as there may be objects; fewer by far stand in what anybody writes by hand or generates. */
const MOST_KINDS = 20_000;

/** Counts before anything is parsed: objects cost much more than their text. */
function refuseMany(text: string): void {
  let kinds = 0;
  for (let at = text.indexOf('kind'); at >= 0; at = text.indexOf('kind', at + 4))
    if (/^["']?\s*:/.test(text.slice(at + 4, at + 12)) && ++kinds > MOST_KINDS)
      throw new EngineFault(`names more than ${MOST_KINDS} kinds; no file holds that many objects`);
}

function expand(documents: readonly Json[]): JsonMap[] {
  const result: JsonMap[] = [];
  const queue = unwrap(documents).filter(isObject);
  for (const object of queue) {
    const isList = textOf(get(object, 'kind')).endsWith('List') && Object.hasOwn(object, 'items');
    if (!isList) result.push(object);
    else if (Array.isArray(object.items))
      for (const item of object.items) queue.push(...unwrap([item]).filter(isObject));
    else if (!isNull(object.items))
      throw new EngineFault(`items of a list must be a list, not ${kindOf(object.items)}`);
  }
  return result;
}

/** A single document that is a List stands for its items from the start, whatever they are. */
function unwrap(documents: readonly Json[]): readonly Json[] {
  const [only] = documents;
  if (documents.length !== 1 || !isMap(only)) return documents;
  const kind = textOf(get(only, 'kind'));
  if ((kind !== 'List' && kind !== 'ResourceList') || !Object.hasOwn(only, 'items')) return documents;
  return Array.isArray(only.items) ? only.items : [];
}

/** False for nothing. @throws EngineFault for what is no object */
function isObject(value: Json): value is { [key: string]: Json } {
  if (isEmpty(value)) return false;
  if (!isMap(value)) throw new EngineFault(`an object is expected, not ${kindOf(value)}`);
  const kind = textOf(get(value, 'kind'));
  const name = textOf(get(get(value, 'metadata'), 'name'));
  if (kind === '') throw new EngineFault(`${name ? `${name} has` : 'an object has'} no kind`);
  if (!kind.endsWith('List') && name === '') throw new EngineFault(`a ${kind} has no metadata.name`);
  return true;
}

/** Annotations are text in the end, whatever was written: `8080` and `0x10` are kept as they stand. */
function withTextAnnotations(object: JsonMap, written?: ReadDocument['written']): JsonMap {
  const metadata = get(object, 'metadata');
  const annotations = get(metadata, 'annotations');
  if (!isMap(annotations) || !isMap(metadata)) return object;
  const odd = Object.values(annotations).some((value) => typeof value !== 'string' && !isNull(value));
  if (!odd) return object;
  const texts = {};
  for (const [key, value] of Object.entries(annotations)) {
    const keeps = typeof value === 'string' || isNull(value);
    put(texts, key, keeps ? value : (written?.(['metadata', 'annotations', key]) ?? textOf(value)));
  }
  return { ...object, metadata: { ...metadata, annotations: texts } };
}
