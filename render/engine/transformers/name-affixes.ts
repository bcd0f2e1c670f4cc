import type { Json } from '../../yaml/read.ts';
import { about } from '../about.ts';
import { changeField, scalarOnly } from '../field-path.ts';
import { type FieldSpec, fieldSpecsOf } from '../field-specs.ts';
import { textOf } from '../json.ts';
import { isSelectedByGvk, type ResourceId } from '../resource-id.ts';
import { restyled } from '../retype.ts';
import type { Transformer } from './transformer.ts';

/** Objects whose names mean something outside and stay. */
const KEPT = [
  { kind: 'CustomResourceDefinition' },
  { group: 'apiregistration.k8s.io', kind: 'APIService' },
  { kind: 'Namespace' },
];
const isKept = (id: ResourceId) => KEPT.some((selector) => isSelectedByGvk(id, selector));

/** `namePrefix` and `nameSuffix`; the references to the names follow at the end. */
export function nameAffix(
  where: 'prefix' | 'suffix',
  affix: string,
  specs: readonly FieldSpec[],
): Transformer['run'] {
  const change = (value: Json): Json => {
    const text = textOf(scalarOnly(value));
    return restyled(value, where === 'prefix' ? affix + text : text + affix);
  };
  return (resources) => {
    if (affix === '') return;
    for (const resource of resources.list) {
      const original = resource.originalId;
      if (isKept(original)) continue;
      for (const spec of fieldSpecsOf(specs, original)) {
        if (spec.path === 'metadata/name') {
          if (where === 'prefix') resource.prefixes = [...resource.prefixes, affix];
          else resource.suffixes = [...resource.suffixes, affix];
          resource.rememberId();
        }
        if (isSelectedByGvk(resource.id, spec))
          resource.value = about(resource, () => changeField(resource.value, spec, change, 'scalar'));
      }
    }
    resources.changed();
  };
}
