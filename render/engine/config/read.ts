import { EngineFault } from '../fault.ts';
import { CONFIGURATION_RULES, decode, list, struct } from '../read/decode.ts';
import type { Documents } from '../read/documents.ts';
import type { FoundFile } from '../read/files.ts';
import { fieldSpecShape, GVK } from '../read/kustomization.ts';
import { asFieldSpec } from '../transformers/labels.ts';
import { EMPTY_CONFIG, mergeConfigs, type TransformerConfig } from './config.ts';

const specs = list(fieldSpecShape);
const shape = struct({
  namePrefix: specs,
  nameSuffix: specs,
  namespace: specs,
  commonLabels: specs,
  labels: specs,
  templateLabels: specs,
  commonAnnotations: specs,
  nameReference: list(struct({ ...GVK, fieldSpecs: specs })),
  varReference: specs,
  images: specs,
  replicas: specs,
});

/** The files of `configurations`, in one. @throws EngineFault for unknown fields, and files that contradict each other */
export function readConfigurations(files: readonly FoundFile[], documents: Documents): TransformerConfig {
  let config = EMPTY_CONFIG;
  for (const file of files) {
    const read = decodeIn(file, documents);
    config = mergeConfigs(config, read);
  }
  return config;
}

function decodeIn(file: FoundFile, documents: Documents): TransformerConfig {
  const document = documents.document(file);
  try {
    const { nameReference = [], ...lists } = decode(shape, document, CONFIGURATION_RULES);
    const read = Object.entries(lists).map(([name, list]) => [name, list.map(asFieldSpec)]);
    return {
      ...EMPTY_CONFIG,
      ...Object.fromEntries(read),
      nameReference: nameReference.map(({ group = '', version = '', kind = '', fieldSpecs = [] }) => ({
        ...{ group, version, kind },
        fieldSpecs: fieldSpecs.map(asFieldSpec),
      })),
    };
  } catch (fault) {
    if (fault instanceof EngineFault) throw documents.placed(fault, file);
    throw fault;
  }
}
