import type { Json } from '../../yaml/read.ts';
import { about } from '../about.ts';
import { EngineFault } from '../fault.ts';
import { changeField, scalarOnly } from '../field-path.ts';
import type { FieldSpec } from '../field-specs.ts';
import type { ReplicaEntry } from '../read/kustomization.ts';
import { isSelectedByGvk } from '../resource-id.ts';
import { restyled } from '../retype.ts';
import type { Transformer } from './transformer.ts';

/**
 * One entry of `replicas`: the count of an object, found by any name it had.
 * @throws EngineFault while running when no object of the configured kinds has the name
 */
export function replicaTransformer(entry: ReplicaEntry, specs: readonly FieldSpec[]): Transformer['run'] {
  const { name = '', count = 0 } = entry;
  const change = (value: Json): Json => {
    scalarOnly(value);
    return restyled(value, String(count));
  };
  return ({ list }) => {
    let found = false;
    for (const spec of specs) {
      for (const resource of list) {
        if (!resource.anyIds.some((id) => id.name === name && isSelectedByGvk(id, spec))) continue;
        found = true;
        if (isSelectedByGvk(resource.id, spec))
          resource.value = about(resource, () => changeField(resource.value, spec, change, 'scalar'));
      }
    }
    if (!found) {
      const kinds = [...new Set(specs.map(({ kind }) => kind))].filter(Boolean).join(', ');
      throw new EngineFault(`no object named ${name} is of a kind with replicas (${kinds})`);
    }
  };
}
