import { runChild } from '../child.ts';
import type { Verb } from '../verb.ts';

/** The hub is another program: it runs as a child, with this terminal as its own. */
export const hub: Verb = {
  summary: 'Sets up a hub on this machine: its keys, and the tokens that say who asks.',
  usage: ['hub init|run|token [FLAGS]', 'hub --help'],
  flags: {},
  notes: [],
  verbatim: true,
  run: (parsed, { signal }) => runChild('hub', parsed.positionals, signal),
};
