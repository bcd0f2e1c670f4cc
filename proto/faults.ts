/**
 * Every fault that Flotilla can report, in one catalogue: code → what happened and what to do.
 * `docs/errors.md` is generated from it and proven equal by a test. A code is never reused for another meaning.
 */
export const FAULTS = {
  // ---- the fleet repo
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
  // ---- rendering
  'closure-missing-file': [
    'A kustomization names a file or directory that does not exist.',
    'Add it, or correct the name in the line given.',
  ],
  'closure-refused': [
    'A kustomization asks for something that is never done: a remote base, a plugin, a path outside the repository, a gitlink.',
    'Vendor what is remote; keep everything inside the repository.',
  ],
  'closure-cycle': ['Kustomizations include each other in a circle.', 'Remove one of the references named.'],
  'closure-invalid': [
    'A kustomization cannot be read.',
    'Mend it at the line given; `kustomize build` says the same.',
  ],
  'closure-too-large': [
    'An overlay reads more files or bytes than allowed.',
    'Split it, or move large files out of the closure.',
  ],
  'render-failed': [
    'The overlay does not render.',
    'Run `kustomize build` on the path given and mend what it says.',
  ],
  'render-unsupported': [
    'The overlay uses something that is not rendered in the process, named with its file and line.',
    'Do without it, or set `render.fallback: kustomize` in flotilla.yaml where the program is there.',
  ],
  'render-empty': [
    'The overlay renders to nothing. The last good state is kept.',
    'If everything should go, remove the placement instead.',
  ],
  'render-refused': [
    'A rendered object cannot be applied: no name or kind, a hook annotation, a list.',
    'Remove what the message names.',
  ],
  'render-tool-missing': [
    'The pinned kustomize or helm was not found.',
    'Run `npm run tools`, or set FLOTILLA_KUSTOMIZE or FLOTILLA_HELM.',
  ],
  'chart-refused': [
    'A chart cannot be vendored: it is none, is not what was asked for, or holds what must not be written.',
    'The message names the file; nothing was written.',
  ],
  'chart-unavailable': [
    'A chart repository cannot be reached, or does not have the file.',
    'Check the address of --repo; or fetch the archive yourself, and vendor the file.',
  ],
  'values-unexpanded': [
    'A Flux-style `${name:=default}` names a declared value.',
    'Write ${name} and put the default under `values.optional`.',
  ],
  // ---- Git
  'git-unreachable': [
    'The Git server cannot be reached.',
    'Check the URL, DNS and network; it is tried again by itself.',
  ],
  'git-credentials-refused': [
    'The Git server refused the credentials.',
    'Check user, token and its permission to read the repository.',
  ],
  'git-repository-not-found': [
    'The Git server has no such repository.',
    'Check the URL; some servers say this too when credentials are missing.',
  ],
  'git-branch-not-found': [
    'The repository has no such branch.',
    'Check the branch name; the message lists what the server has.',
  ],
  'git-not-a-git-server': [
    'The URL does not answer as a Git server (smart HTTP, protocol 2).',
    'Use the URL that `git clone` accepts over https.',
  ],
  'git-timeout': ['The Git server did not answer in time.', 'It is tried again by itself.'],
  'git-too-large': [
    'An answer of the Git server exceeds the limit.',
    'Raise the limit only if the repository is meant to be that large.',
  ],
  'git-object-missing': [
    'The Git server does not have an object that was asked for.',
    'The revision may have been removed by a force push.',
  ],
  'git-object-corrupt': [
    'An object does not have the hash it was asked by.',
    'The server or a proxy alters content: find out which.',
  ],
  'git-protocol': [
    'The Git server answered something that is not the protocol.',
    'See the message; a proxy in between is a frequent cause.',
  ],
  'git-history-limit': [
    'The history needed is longer than the limit.',
    'Raise the limit, or name a newer revision.',
  ],
  'git-store-failed': [
    'The local copy of the repository cannot be read or written.',
    'Check free space and permissions of the directory named; it holds nothing that cannot be fetched again.',
  ],
  'git-local-failed': [
    'A repository on this machine cannot be read: git is missing, or refuses.',
    'The message is Git’s own where there is one.',
  ],
  'revision-unknown': [
    'The repository on this machine has no such revision.',
    'Correct the name, or fetch it; a shallow clone has only the newest commits.',
  ],
  'history-rewritten': [
    'The branch was rewritten: its tip does not descend from the last one seen.',
    'What runs is kept. If the rewrite is meant, acknowledge the new tip in the configuration.',
  ],
  // ---- desired documents
  'desired-malformed': [
    'A desired document cannot be read.',
    'Hub and agent may be of versions too far apart.',
  ],
  'desired-version-unknown': [
    'A message has a version that this program does not know.',
    'Upgrade the older side.',
  ],
  'desired-unknown-key': [
    'A desired document is signed by a key that is not trusted.',
    'Compare `spec.hub.publicKeys` and the hub keys pinned in the agent.',
  ],
  'desired-bad-signature': [
    'The signature of a desired document is wrong.',
    'Somebody between hub and agent alters messages.',
  ],
  'desired-wrong-cluster': [
    'A desired document is meant for another cluster.',
    'Check the name that the agent was installed with.',
  ],
  'desired-old-epoch': [
    'A desired document is older than the one in force.',
    'Harmless when messages were repeated.',
  ],
  'revision-not-on-branch': [
    'The revision is not an ancestor of the branch tip that the agent saw.',
    'Only what is merged into the branch is ever applied.',
  ],
  'revision-too-old': [
    'The revision is older than what trust allows.',
    'See `trust.notBefore` of the Fleet.',
  ],
  'digest-mismatch': [
    'Hub and agent compute different digests for one assignment.',
    'Versions may differ; what runs is kept.',
  ],
  'assignment-vanished': [
    'An assignment left the desired document without being removed in Git.',
    'It is kept and enforced. The hub may have lost its state.',
  ],
  'entry-missing': [
    'The cluster has no entry in Git. Nothing is written and nothing is pruned.',
    'Commit clusters/<name>.yaml again, or uninstall the agent.',
  ],
  'not-selected': [
    'The desired document assigns a placement that Git does not give this cluster.',
    'What runs is kept; the hub may be wrong or ahead.',
  ],
  'removal-not-in-git': [
    'A removal was ordered that Git does not confirm. Nothing is pruned.',
    'The hub may be wrong; see the revision named.',
  ],
  'removal-held': [
    'Many assignments of a placement would be removed at once, or its last one; that waits for an approval.',
    'Commit the approval that the problem names, or bring back what selected the clusters. Until then everything runs on.',
  ],
  // ---- applying
  'kube-unreachable': ['The API server cannot be reached.', 'It is tried again by itself.'],
  'kube-forbidden': [
    'The API server refuses a verb to the agent.',
    'Grant the verb and resource named, or use a wider RBAC preset.',
  ],
  'kube-kind-unknown': [
    'The API server does not know a kind.',
    'Its CustomResourceDefinition may be missing or another version.',
  ],
  'kube-rejected': ['The API server refuses an object.', 'The message is the server’s own.'],
  'kube-failed': ['A request to the API server failed.', 'It is tried again by itself.'],
  'object-conflict': [
    'An object is claimed by another placement or tool. Nothing was written.',
    'Remove it from one of the two that are named.',
  ],
  'object-duplicate': ['An overlay renders the same object twice.', 'Remove one of them.'],
  'tenancy-refused': [
    'An object lies outside what `allow` of the placement permits.',
    'Widen `allow`, or move the object.',
  ],
  'inventory-unreadable': ['The inventory in the cluster cannot be read.', 'Nothing is pruned until it can.'],
  'neighbour-unknown': [
    'What a neighbouring placement is about to want is not known yet. Nothing is applied or pruned until it is.',
    'It is tried again by itself; see what keeps the neighbour from being rendered.',
  ],
  'prune-held': [
    'A deletion waits for approval.',
    'Approve the set hash by a commit, or bring the objects back.',
  ],
  'state-unreadable': [
    'What the agent keeps about itself in the cluster cannot be read.',
    'It is fetched and rendered again by itself, as soon as Git answers.',
  ],
  'lease-held': [
    'Another agent of this cluster is at work. Nothing is written.',
    'Run one agent per cluster; this one takes over when the other has ended.',
  ],
  'agent-key-not-in-entry': [
    'The cluster entry does not carry the key of this agent.',
    'Add the public key to `agent.publicKeys`, or end this agent.',
  ],
  // ---- the bus and the hub
  'status-too-many': [
    'An agent reports more placements than the hub takes in.',
    'Those that Git names count in any case. Find out what else is applied there (the ConfigMap flotilla-status), and let the agent remove it.',
  ],
  'nats-unreachable': [
    'NATS cannot be reached.',
    'It is tried again by itself; the last accepted document stays in force.',
  ],
  'nats-refused': [
    'NATS refused the identity.',
    'The public key may not be merged yet, or has been removed.',
  ],
  'bootstrap-not-enrolled': [
    'The hub does not know the agent’s key yet.',
    'Merge the cluster entry with this public key; it is asked again by itself.',
  ],
  'bootstrap-failed': [
    'The hub cannot be reached for bootstrap.',
    'Check the hub URL; it is tried again by itself.',
  ],
  'store-failed': ['JetStream does not store.', 'Check disk and limits of NATS; live status goes on.'],
  'hub-not-leader': [
    'Another hub decides, or none does at this moment.',
    'Ask the one that is named, or this one again in some seconds.',
  ],
  'backup-failed': [
    'A backup of the hub cannot be written.',
    'The message says why; nothing that was there was changed.',
  ],
  'backup-invalid': [
    'A file is no backup of a hub, or not a whole one.',
    'Take another one. A backup is checked as a whole before anything is restored from it.',
  ],
  'restore-failed': [
    'A backup cannot be restored here.',
    'The message says what is in the way. It can be repeated: what was restored before stays.',
  ],
  'webhook-failed': [
    'A webhook of a gate did not answer as it should.',
    'It is tried again as often as its gate says, then by `retry`; docs/rollouts.md says what an answer is.',
  ],
  'webhook-refused': [
    'The hub does not ask a webhook: its address or its secret is not allowed.',
    'Whoever runs the hub names internal addresses in --webhook-allow and keeps secrets in --webhook-secrets.',
  ],
  'port-in-use': ['The port is taken by another process.', 'Choose another one with --port.'],
  'config-invalid': ['The configuration is wrong.', 'The message names the variable or flag.'],
  'hub-unreachable': ['The hub does not answer.', 'Check --hub or FLOTILLA_HUB and that the hub runs.'],
  'hub-refused': ['The hub refused a request.', 'The message is the hub’s own.'],
  'token-invalid': [
    'A token of the hub is unknown, revoked, expired or malformed, or one of that name exists.',
    'Make one beside the hub: flotilla hub token create.',
  ],
  usage: ['The command line is wrong.', 'See --help.'],
  'tool-unavailable': [
    'An external program cannot be obtained.',
    'The message names every way that was tried.',
  ],
  internal: ['Something that should not happen did.', 'Please report it with the log.'],
} as const satisfies Record<string, readonly [what: string, remedy: string]>;

export type FaultCode = keyof typeof FAULTS;

/** A place in a file of the fleet repo; line and column count from 1. */
export type SourceLocation = { file: string; line?: number; column?: number };

/**
 * The one error class. `message` has its subject first, is lower case and holds no secret; `cause` is kept.
 * `source` tells where in the fleet repo it stands, where that is known.
 */
export class FlotillaError extends Error {
  override readonly name = 'FlotillaError';
  readonly code: FaultCode;
  readonly source: SourceLocation | undefined;

  constructor(code: FaultCode, message: string, options: { cause?: unknown; source?: SourceLocation } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.source = options.source;
  }
}

/** What crosses the wire and stands in status for a fault. `since` is RFC 3339. */
export type Fault = { code: FaultCode; message: string; source?: SourceLocation };

export function toFault(error: unknown): Fault {
  if (error instanceof FlotillaError) {
    return { code: error.code, message: error.message, ...(error.source && { source: error.source }) };
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

export function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(FAULTS, code);
}

/** `file:line:column`, as far as known. */
export function formatLocation(source: SourceLocation): string {
  return [source.file, source.line, source.column].filter((part) => part !== undefined).join(':');
}
