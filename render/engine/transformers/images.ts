import type { Json } from '../../yaml/read.ts';
import { about } from '../about.ts';
import { EngineFault } from '../fault.ts';
import { changeField, mapShared, scalarOnly } from '../field-path.ts';
import { type FieldSpec, fieldSpecsOf } from '../field-specs.ts';
import { setImage } from '../images.ts';
import { get, isMap, isNull, type JsonMap, kindOf, set, textOf } from '../json.ts';
import type { ImageEntry } from '../read/kustomization.ts';
import { restyled } from '../retype.ts';
import type { Transformer } from './transformer.ts';

/**
 * One entry of `images`: new names, tags and digests in the fields of the configuration, and in every `containers` and
 * `initContainers` of any object, custom ones included; CustomResourceDefinitions are left alone.
 */
export function imageTransformer(entry: ImageEntry, specs: readonly FieldSpec[]): Transformer['run'] {
  const rule = { ...entry, name: entry.name ?? '' };
  const change = (value: Json): Json => {
    const text = textOf(scalarOnly(value));
    const image = setImage(text, rule);
    return image === text ? value : restyled(value, image);
  };
  return ({ list }) => {
    for (const resource of list) {
      if (resource.kind === 'CustomResourceDefinition') continue;
      resource.value = about(resource, () => {
        let value = inContainers(resource.value as Json, change) as JsonMap;
        for (const spec of fieldSpecsOf(specs, resource.id)) value = changeField(value, spec, change);
        return value;
      });
    }
  };
}

function inContainers(value: Json, change: (image: Json) => Json): Json {
  if (Array.isArray(value)) return mapShared(value, (item) => inContainers(item, change));
  if (!isMap(value)) return value;
  let result = value;
  for (const key of Object.keys(value)) {
    const member = value[key]!;
    if (typeof member !== 'object' || member === null) continue;
    let changed = inContainers(member, change);
    if ((key === 'containers' || key === 'initContainers') && Array.isArray(changed))
      changed = mapShared(changed, (container) => {
        if (!isMap(container) && !isNull(container))
          throw new EngineFault(`${key} hold maps, not ${kindOf(container)}`);
        const image = get(container, 'image');
        return isNull(image) || image === undefined
          ? container
          : set(container as JsonMap, 'image', change(image));
      });
    if (changed !== member) result = set(result, key, changed);
  }
  return result;
}
