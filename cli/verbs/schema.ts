import { jsonSchemaOf, schemaFile } from '#proto/documents/json-schema.ts';
import { KINDS } from '#proto/documents/kinds.ts';
import { unknown, usage } from '../args.ts';
import { EXIT } from '../exit.ts';
import type { Verb } from '../verb.ts';

export const schema: Verb = {
  summary: 'Prints the JSON Schema of a kind of document, for editors; without KIND the kinds.',
  usage: ['schema [KIND]'],
  flags: {},
  notes: [
    'An editor with a YAML language server completes keys and marks typos when the first line of a document names its schema.',
    'examples:\n  flotilla schema Placement > .schemas/placement.json\n  # first line of placements/web.yaml:\n  # yaml-language-server: $schema=../.schemas/placement.json',
  ],
  async run({ positionals: [given, word] }, around) {
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    if (given === undefined) {
      around.out(`${KINDS.join('\n')}\n`);
      return EXIT.yes;
    }
    const wanted = given.toLowerCase();
    const kind = KINDS.find((one) => one.toLowerCase() === wanted || schemaFile(one) === wanted);
    if (!kind) throw unknown('kind', given, KINDS);
    around.out(`${JSON.stringify(jsonSchemaOf(kind), null, 2)}\n`);
    return EXIT.yes;
  },
};
