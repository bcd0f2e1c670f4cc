import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { isListKey, scalarOnly } from '../field-path.ts';
import { splitPath } from '../field-specs.ts';
import { isMap, isNull, type JsonMap, kindOf, set, textOf } from '../json.ts';
import { decode, integer, list, PLUGIN_RULES, struct, text } from '../read/decode.ts';
import { selectorShape } from '../read/kustomization.ts';
import { targets as isTargetOf } from '../selector.ts';
import { moved, setter } from './namespace.ts';
import type { Transformer, Workshop } from './transformer.ts';

const targetShape = struct({ selector: selectorShape, fieldPath: text, filePathPosition: integer });
const shape = struct({ value: text, targets: list(targetShape), targetFilePath: text });

/**
 * The built-in ValueAddTransformer: writes a value, or the name of the kustomization's directory, into a field of the
 * targets, or into one part of a path that stands there.
 *
 * @throws EngineFault for configuration without targets or field; unsupported without a value at the root of the repository, as a
 * clone may have any name
 */
export function valueAddTransformer(
  config: Json,
  { directory, files, documents }: Workshop,
): Transformer['run'] {
  const { value: written = '', targets = [], targetFilePath } = decode(shape, config, PLUGIN_RULES);
  const value = written.trim() || directory.slice(directory.lastIndexOf('/') + 1);
  if (value === '')
    throw new EngineFault('value is needed at the root, which has no name of its own', undefined, {
      unsupported: true,
    });
  const more = targetFilePath
    ? decode(
        struct({ targets: list(targetShape) }),
        documents.document(files.read(directory, targetFilePath)),
        PLUGIN_RULES,
      )
    : {};
  const all = [...targets, ...(more.targets ?? [])];
  if (all.length === 0) throw new EngineFault('a target is needed', ['targets']);
  for (const { fieldPath, filePathPosition = 0 } of all) {
    if (!fieldPath) throw new EngineFault('a target needs a fieldPath', ['targets']);
    if (filePathPosition < 0) throw new EngineFault('filePathPosition cannot be negative', ['targets']);
  }
  return (resources) => {
    for (const { selector, fieldPath = '', filePathPosition = 0 } of all) {
      const isTarget = selector ? isTargetOf(selector) : () => true;
      for (const resource of resources.list.filter(isTarget)) {
        const gvk = resource.id;
        resource.value =
          fieldPath === 'metadata/namespace'
            ? moved(resource.value, gvk.cluster, {
                ...{ fieldSpecs: [], mode: 'defaultOnly', gvk },
                change: setter(value, false),
              })
            : write(resource.value, splitPath(fieldPath, '/'), (found) =>
                filePathPosition > 0 ? withPart(textOf(found), Number(filePathPosition) - 1, value) : value,
              );
      }
    }
    resources.changed();
  };
}

function write(map: JsonMap, [key, ...rest]: readonly string[], change: (found: Json) => Json): JsonMap {
  if (isListKey(key!)) throw new EngineFault(`${key} is looked for in a map; a list is expected`);
  const found = Object.hasOwn(map, key!) ? map[key!]! : null;
  if (rest.length === 0) return set(map, key!, change(scalarOnly(found)));
  if (!isMap(found) && !isNull(found))
    throw new EngineFault(`${rest[0]} is looked for in ${kindOf(found)}; a map is expected`);
  return set(map, key!, write(isMap(found) ? found : {}, rest, change) as Json);
}

/** A path with a part put in at a position, counted from 0 and not counting a leading slash. */
function withPart(path: string, position: number, part: string): string {
  const absolute = path.startsWith('/');
  const parts = path.split('/').filter(Boolean);
  parts.splice(Math.min(position, parts.length), 0, part);
  return (absolute ? '/' : '') + parts.join('/');
}
