import manifest from '../../package.json' with { type: 'json' };
import { EXIT } from '../exit.ts';
import { printValue } from '../output/print.ts';
import type { Verb } from '../verb.ts';
import { formatOf, outputFlag, refuseWords } from './common.ts';

const QUERY = 'query Version { hub { version startedAt } }';

export const version: Verb = {
  summary: 'Tells the version of this program, and that of the hub.',
  usage: ['version [--client] [-o table|json|yaml]'],
  flags: { ...outputFlag(['table', 'json', 'yaml']), client: { describe: 'this program only, ask no hub' } },
  notes: [
    'A hub that does not answer is an error (exit code 2); the version of this program is printed first.',
  ],
  async run(parsed, around) {
    refuseWords(parsed);
    const format = formatOf(parsed);
    const client = { version: manifest.version };
    const plain = format !== 'json' && format !== 'yaml';
    if (plain) around.out(`flotilla ${client.version}\n`);
    if (parsed.switches.has('client')) {
      if (!plain) await printValue({ client }, format, around);
      return EXIT.yes;
    }
    const { hub } = await around.hub.ask<{ hub: object & { version: string } }>(QUERY, {}, around.signal);
    if (plain) around.out(`hub      ${hub.version}\n`);
    else await printValue({ client, hub }, format, around);
    return EXIT.yes;
  },
};
