import type { FieldError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { objectsAt } from '../json.ts';

/** In the order in which the server looks for them. */
const VOLUME_TYPES = [
  'emptyDir',
  'hostPath',
  'secret',
  'nfs',
  'persistentVolumeClaim',
  'downwardAPI',
  'configMap',
  'projected',
  'csi',
  'ephemeral',
];

/** What a pod spec must have: containers with a name and an image, no name twice, mounts of declared volumes. */
export function validatePodSpec(spec: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = new Set(objectsAt(spec, 'volumes').map((volume) => volume.name));
  for (const [i, volume] of objectsAt(spec, 'volumes').entries()) {
    const [, ...more] = VOLUME_TYPES.filter((type) => volume[type] !== undefined);
    for (const type of more) {
      const detail = 'may not specify more than 1 volume type';
      errors.push({ type: 'forbidden', field: `${path}.volumes[${i}].${type}`, detail });
    }
  }
  if (objectsAt(spec, 'containers').length === 0) {
    errors.push({ type: 'required', field: `${path}.containers` });
  }
  for (const list of ['containers', 'initContainers']) {
    const names = new Set<unknown>();
    for (const [i, container] of objectsAt(spec, list).entries()) {
      const at = `${path}.${list}[${i}]`;
      const { name, image } = container;
      if (!name) errors.push({ type: 'required', field: `${at}.name` });
      else if (names.has(name)) errors.push({ type: 'duplicate', field: `${at}.name`, value: name });
      names.add(name);
      if (!image) errors.push({ type: 'required', field: `${at}.image` });
      for (const [j, variable] of objectsAt(container, 'env').entries()) {
        if (!variable.name) errors.push({ type: 'required', field: `${at}.env[${j}].name` });
      }
      errors.push(...validatePorts(container, at));
      for (const [j, mount] of objectsAt(container, 'volumeMounts').entries()) {
        if (volumes.has(mount.name)) continue;
        errors.push({ type: 'invalid', field: `${at}.volumeMounts[${j}].name`, value: mount.name });
      }
    }
  }
  return errors;
}

function validatePorts(container: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<unknown>();
  for (const [i, { name, containerPort }] of objectsAt(container, 'ports').entries()) {
    const at = `${path}.ports[${i}]`;
    if (name !== undefined && names.has(name)) {
      errors.push({ type: 'duplicate', field: `${at}.name`, value: name });
    }
    names.add(name);
    if (!containerPort) errors.push({ type: 'required', field: `${at}.containerPort` });
  }
  return errors;
}
