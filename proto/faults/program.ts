import type { Catalogue } from './catalogue.ts';

/** What any program of ours can say of how it was called and of what it needs. */
export const PROGRAM_FAULTS = {
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
} as const satisfies Catalogue;
