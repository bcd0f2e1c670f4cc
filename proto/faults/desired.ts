import type { Catalogue } from './catalogue.ts';

/** Why a desired document, or something in one, is not carried out. */
export const DESIRED_FAULTS = {
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
} as const satisfies Catalogue;
