import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { type FieldSpec, fieldSpec } from '../field-specs.ts';
import { get, isMap, textOf } from '../json.ts';
import { EMPTY_CONFIG, mergeConfigs, type TransformerConfig } from './config.ts';

/** Schemas of custom kinds can be nested; one that contains itself would never end. */
const DEPTH = 50;

/**
 * What a file of `crds` adds to the configuration: a map of OpenAPI definitions, whose `x-kubernetes-…` extensions say
 * which fields are annotations, label selectors, identities, or names of other objects.
 *
 * @throws EngineFault when definitions contain each other
 */
export function readCrds(document: Json): TransformerConfig {
  let config = EMPTY_CONFIG;
  if (!isMap(document)) return config;
  for (const name of Object.keys(document)) {
    const properties = propertiesOf(document, name);
    if (!properties || !['kind', 'apiVersion', 'metadata'].every((key) => Object.hasOwn(properties, key)))
      continue;
    const kind = name.slice(name.lastIndexOf('.') + 1);
    config = mergeConfigs(config, fieldsOf(document, name, kind, []));
  }
  return config;
}

function propertiesOf(definitions: Json, name: string): { [key: string]: Json } | undefined {
  const definition = get(definitions, name);
  const schema = get(definition, 'Schema') ?? get(definition, 'schema');
  const properties = get(schema, 'properties');
  return isMap(properties) ? properties : undefined;
}

function fieldsOf(
  definitions: Json,
  name: string,
  kind: string,
  above: readonly string[],
): TransformerConfig {
  if (above.length > DEPTH) throw new EngineFault(`definitions of ${kind} are nested deeper than ${DEPTH}`);
  let config = EMPTY_CONFIG;
  for (const [key, property] of Object.entries(propertiesOf(definitions, name) ?? {})) {
    const path = [...above, key];
    config = mergeConfigs(config, fieldOf(property, kind, path));
    const reference = get(property, '$ref');
    if (typeof reference === 'string')
      config = mergeConfigs(config, fieldsOf(definitions, reference, kind, path));
  }
  return config;
}

function fieldOf(property: Json, kind: string, path: readonly string[]): TransformerConfig {
  const extension = (name: string) => {
    const value = get(property, `x-kubernetes-${name}`);
    return typeof value === 'string' ? value : undefined;
  };
  const here: readonly FieldSpec[] = [fieldSpec(path.join('/'), { kind })];
  const [version, target] = [extension('object-ref-api-version'), extension('object-ref-kind')];
  const nameKey = extension('object-ref-name-key') ?? 'name';
  return {
    ...EMPTY_CONFIG,
    ...(extension('annotation') !== undefined && { commonAnnotations: here }),
    ...(extension('label-selector') !== undefined && { commonLabels: here }),
    ...(extension('identity') !== undefined && { namePrefix: here }),
    ...(version !== undefined &&
      target !== undefined && {
        nameReference: [
          {
            ...{ group: '', version: textOf(version), kind: target },
            fieldSpecs: [fieldSpec([...path, nameKey].join('/'), { kind })],
          },
        ],
      }),
  };
}
