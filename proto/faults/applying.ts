import type { Catalogue } from './catalogue.ts';

/** What can be wrong between an agent and its API server. */
export const APPLYING_FAULTS = {
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
  'inventory-unreadable': [
    'An inventory in the cluster is damaged, or a newer agent wrote it. Nothing is applied or pruned until it can be read.',
    'Bring back what the ConfigMap held. Or delete that entry of it: what Git has is known again with the next apply, what Git has dropped since stays behind.',
  ],
  'object-orphaned': [
    'Objects that were applied for a placement are named neither by Git nor by an inventory: nobody looks after them.',
    'Delete them, bring them back into Git, or take the label flotilla.dev/placement off.',
  ],
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
} as const satisfies Catalogue;
