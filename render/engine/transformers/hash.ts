import { createHash } from 'node:crypto';
import { goJson } from '../../yaml/go-json.ts';
import type { Json } from '../../yaml/read.ts';
import { get, isMap, type JsonMap, textOf } from '../json.ts';
import type { Transformer } from './transformer.ts';

/** Appends a hash of the content to the names of generated ConfigMaps and Secrets, so that a change is a new object. */
export const hashTransformer: Transformer['run'] = (resources) => {
  for (const resource of resources.list) {
    if (!resource.needsHash) continue;
    const hash = contentHash(resource.value);
    resource.rememberId();
    resource.setName(`${resource.name}-${hash}`);
  }
  resources.changed();
};

/**
 * Ten letters of the SHA-256 of what kustomize encodes (api/hasher): kind, data and, for Secrets, the type. The name is
 * always empty, because kustomize looks it up under a key that no object has. Other kinds count as a whole.
 */
function contentHash(object: JsonMap): string {
  const hex = createHash('sha256')
    .update(goJson(hashed(object)))
    .digest('hex')
    .slice(0, 10);
  return hex.replace(/[013ae]/g, (digit) => LETTERS[digit]!);
}

/** Digits that could make words or be taken for letters, as kubectl replaces them. */
const LETTERS: Record<string, string> = { 0: 'g', 1: 'h', 3: 'k', a: 'm', e: 't' };

function hashed(object: JsonMap): Json {
  const data = member(object, 'data');
  switch (textOf(get(object, 'kind'))) {
    case 'ConfigMap':
      return { kind: 'ConfigMap', name: '', data, ...onlyMap(object, 'binaryData') };
    case 'Secret':
      return {
        kind: 'Secret',
        type: member(object, 'type'),
        name: '',
        data,
        ...onlyMap(object, 'stringData'),
      };
    default:
      return object as Json;
  }
}

function member(object: JsonMap, key: string): Json {
  const value = get(object, key);
  return isMap(value) ? value : textOf(value);
}

function onlyMap(object: JsonMap, key: string): JsonMap {
  const value = get(object, key);
  return isMap(value) ? { [key]: value } : {};
}
