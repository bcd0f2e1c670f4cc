import { isUtf8 } from 'node:buffer';
import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { isEmpty, put } from '../json.ts';
import type { GeneratorEntry, GeneratorOptions } from '../read/kustomization.ts';
import { type Behavior, Resource } from '../resource.ts';
import type { Workshop } from '../transformers/transformer.ts';
import { readPairs } from './pairs.ts';

/** An entry of `configMapGenerator`: bytes that are no text go to `binaryData`. */
export function generateConfigMap(entry: GeneratorEntry, workshop: Workshop): Resource {
  const data = {};
  const binaryData = {};
  for (const [key, value] of readPairs(entry, workshop)) {
    if (isUtf8(value)) put(data, key, value.toString('utf8'));
    else put(binaryData, key, base64(value));
  }
  return generated('ConfigMap', entry, workshop, {
    ...(!isEmpty(data) && { data }),
    ...(!isEmpty(binaryData) && { binaryData }),
  });
}

/** An entry of `secretGenerator`. */
export function generateSecret(entry: GeneratorEntry, workshop: Workshop): Resource {
  const data = {};
  for (const [key, value] of readPairs(entry, workshop)) put(data, key, base64(value));
  return generated('Secret', entry, workshop, { type: entry.type || 'Opaque', data });
}

function generated(
  kind: string,
  { name, namespace, options, behavior }: GeneratorEntry,
  { schema }: Workshop,
  content: { readonly [key: string]: Json },
): Resource {
  if (!name) throw new EngineFault('a generator needs a name', ['name']);
  const { labels = {}, annotations = {}, immutable = false, disableNameSuffixHash = false } = options ?? {};
  const resource = new Resource(
    {
      apiVersion: 'v1',
      kind,
      metadata: {
        name,
        ...(namespace && { namespace }),
        ...(!isEmpty(labels) && { labels }),
        ...(!isEmpty(annotations) && { annotations }),
      },
      ...content,
      ...(immutable && { immutable }),
    },
    schema,
  );
  resource.behavior = BEHAVIORS.includes(behavior as Behavior) ? (behavior as Behavior) : 'unspecified';
  resource.needsHash = !disableNameSuffixHash;
  return resource;
}

const BEHAVIORS: readonly Behavior[] = ['create', 'merge', 'replace'];
const LINE = 70;

/** Base64, in lines of 70 letters each ended by a newline as soon as it takes more than one. */
function base64(bytes: Buffer): string {
  const text = bytes.toString('base64');
  // A length is a multiple of four, so that no single line is full.
  if (text.length < LINE) return text;
  return text.replace(/.{1,70}/g, '$&\n');
}

/** `generatorOptions` under those of an entry: what the entry says counts, but a flag that is set here stays set. */
export function withGlobalOptions(
  entry: GeneratorEntry,
  global: GeneratorOptions | undefined,
): GeneratorEntry {
  if (!global) return entry;
  const own = entry.options ?? {};
  return {
    ...entry,
    options: {
      labels: { ...global.labels, ...own.labels },
      annotations: { ...global.annotations, ...own.annotations },
      disableNameSuffixHash: global.disableNameSuffixHash || own.disableNameSuffixHash || false,
      immutable: global.immutable || own.immutable || false,
    },
  };
}
