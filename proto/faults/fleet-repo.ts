import type { Catalogue } from './catalogue.ts';

/** What can be wrong with documents and overlays of the fleet repo. */
export const FLEET_REPO_FAULTS = {
  'document-syntax': ['The file is not valid YAML.', 'Mend the file at the line and column given.'],
  'document-invalid': [
    'A document does not follow its schema: an unknown key, a missing field or a wrong value.',
    'The message names the field and, where one is near, the name meant.',
  ],
  'document-misnamed': [
    'The name in `metadata.name` is not the file name.',
    'Rename the file or the document: both must be the same DNS-1123 label.',
  ],
  'document-misplaced': [
    'A document stands where its kind does not belong.',
    'Fleet belongs in flotilla.yaml, Cluster below clusters/, Placement below placements/, Values below values/, RolloutStrategy below rollouts/, Access below access/.',
  ],
  'document-duplicate': [
    'Two documents of one kind have the same name.',
    'Names are unique in the fleet, whatever the folder.',
  ],
  'document-extension': [
    'A file in a folder of documents looks like a document, but does not end in `.yaml`.',
    'Rename it; files that are no YAML or JSON may stand there and are not read.',
  ],
  'document-encrypted': [
    'A document is encrypted with SOPS, and nothing here decrypts.',
    'Use SealedSecret or ExternalSecret objects; documents of the fleet hold no secrets.',
  ],
  'field-reserved': [
    'A document uses a field that is reserved for a later version.',
    'Remove it; nothing would act on it.',
  ],
  'document-kind-unsupported': [
    'Documents of this kind are not acted upon by this version.',
    'Nothing of the file is in force. Remove it, or use a version that acts upon it.',
  ],
  'fleet-missing': [
    'There is no flotilla.yaml (kind Fleet) at the root of the repository.',
    'Add one; `spec.branch` is its only required field.',
  ],
  'label-invalid': [
    'A label of a cluster is not in the vocabulary of the Fleet, or its value is not allowed.',
    'Correct the label, or add it under `spec.labels` of flotilla.yaml.',
  ],
  'key-invalid': [
    '`agent.publicKeys` holds something that is not a public user key.',
    'A public key starts with U. A seed (SU…) is secret: if one was committed, make a new key.',
  ],
  'key-duplicate': ['Two clusters carry the same agent key.', 'Every agent has a key of its own.'],
  'selector-invalid': [
    'A label selector cannot be parsed.',
    'Use kubectl syntax, for example env=prod,region in (eu,us),!legacy.',
  ],
  'selector-label-unknown': [
    'A selector, an order or a path names a label, or a value of it, that is not in the vocabulary of the Fleet.',
    'Correct the label, or add it under `spec.labels` of flotilla.yaml.',
  ],
  'selector-unmatched': [
    'A selector matches no cluster. Nothing of the document is in force anywhere.',
    'The message names the cluster that misses least, and by what.',
  ],
  'path-escapes': [
    'A path leads out of the repository.',
    'Paths are relative to the root of the repository and stay below it.',
  ],
  'path-variable-unknown': [
    'A `{variable}` of a placement path is no label of the cluster.',
    'Only {name} and labels of the cluster can be used.',
  ],
  'overlay-missing': [
    'The directory that a placement names for a cluster does not exist.',
    'Add the directory, or change the selector or the path.',
  ],
  'value-missing': [
    'A value that the placement requires has no value on a cluster.',
    'Add it to `values` or `placementValues` of the cluster, or to a Values document.',
  ],
  'value-conflict': [
    'Two Values documents of equal rank give a cluster different values for one name.',
    'Let only one of them select the cluster, or set the value where it is more specific.',
  ],
  'value-respelled': [
    'A number is written in a way that YAML does not keep: 1.10 is read as 1.1.',
    'Put it in quotes if its spelling matters.',
  ],
  'value-undeclared': [
    '`placementValues`, or a Values document for one placement, sets a name that the placement does not declare.',
    'Declare it under `spec.values`, or remove it.',
  ],
  'placement-unknown': ['A document names a placement that does not exist.', 'Correct the name.'],
  'dependency-cycle': [
    'Placements depend on each other in a circle.',
    'Remove one of the `dependsOn` entries named.',
  ],
  'placement-empty': [
    'A placement selects fewer clusters than it expects.',
    'Correct the selector or `expect.minClusters`.',
  ],
  'strategy-unknown': [
    'A document names a rollout strategy that does not exist.',
    'Correct the name, or add it below rollouts/.',
  ],
  'stage-impossible': [
    'No cluster can ever be in a stage: its selector contradicts itself or the vocabulary, or earlier stages take all.',
    'Correct the selector, or the order of the stages.',
  ],
  'cluster-without-stage': [
    'A cluster that a placement selects is in no stage of its rollout strategy.',
    'End the stages with one whose selector is {}.',
  ],
  'failure-budget-idle': [
    'A stage has no more clusters than may fail: its failures never stop a rollout.',
    'Lower `failure.maxFailed`, or use a percentage.',
  ],
  'image-tag-in-overlay': [
    'An image tag is set in an overlay of one environment; it would not travel through the stages.',
    'Set it in the base: promotion is the line, not a copy.',
  ],
} as const satisfies Catalogue;
