import type { Catalogue } from './catalogue.ts';

/** What can be wrong with NATS, with what the hub keeps, and with whom it asks. */
export const HUB_FAULTS = {
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
} as const satisfies Catalogue;
