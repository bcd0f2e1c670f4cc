import type { FieldError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { objectAt, objectsAt, stringAt } from '../json.ts';

/** The rules of a CustomResourceDefinition that people trip over. */
export function validateCrd(crd: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const group = stringAt(crd, 'spec', 'group') ?? '';
  const plural = stringAt(crd, 'spec', 'names', 'plural') ?? '';
  const name = stringAt(crd, 'metadata', 'name') ?? '';
  if (name !== `${plural}.${group}`) {
    errors.push({
      type: 'invalid',
      field: 'metadata.name',
      value: name,
      detail: `must be spec.names.plural+"."+spec.group`,
    });
  }
  if (group === '') errors.push({ type: 'required', field: 'spec.group' });
  const versions = objectsAt(crd, 'spec', 'versions');
  if (versions.filter((version) => version.storage === true).length !== 1) {
    errors.push({
      type: 'invalid',
      field: 'spec.versions',
      value: null,
      detail: 'must have exactly one version marked as storage version',
    });
  }
  for (const [i, version] of versions.entries()) {
    if (objectAt(version, 'schema', 'openAPIV3Schema')) continue;
    errors.push({
      type: 'required',
      field: `spec.versions[${i}].schema.openAPIV3Schema`,
      detail: 'schemas are required',
    });
  }
  return errors;
}
