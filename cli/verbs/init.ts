import { statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { dnsLabel } from '#proto/documents/common.ts';
import { FlotillaError } from '#proto/faults.ts';
import { usage } from '../args.ts';
import { EXIT } from '../exit.ts';
import { starterFiles } from '../offline/starter.ts';
import type { Verb } from '../verb.ts';
import { flagValue } from './common.ts';

export const init: Verb = {
  summary: 'Writes a small fleet repo that works.',
  usage: ['init [DIR] [--name NAME]'],
  flags: { name: { value: 'NAME', describe: 'what the fleet is called (default: what the directory is)' } },
  notes: [
    'Nothing is overwritten: where one of the files is there already, none is written. Git is left to you.',
    'example:\n  flotilla init fleet && cd fleet && git init && flotilla cluster add dev-1 -l env=dev --public-key U…',
  ],
  async run(parsed, { out, talk, signal }) {
    const [given = '.', word] = parsed.positionals;
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    const directory = resolve(given);
    const name = flagValue(parsed, 'name') ?? nameFrom(basename(directory));
    const wrong = dnsLabel.safeParse(name).error?.issues[0]?.message;
    if (wrong) throw usage(`--name ${name} is ${wrong}`);
    const files = Object.entries(starterFiles(name));
    const there = files.map(([file]) => inTheWay(directory, file)).find((path) => path !== undefined);
    if (there !== undefined) {
      talk(`${join(given, there)} is there already; nothing is written`);
      return EXIT.no;
    }
    for (const [file, text] of files) {
      signal.throwIfAborted();
      const path = join(directory, file);
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, text, { flag: 'wx' });
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        throw new FlotillaError('git-local-failed', `${path} cannot be written (${code})`, { cause });
      }
      out(`${join(given, file)}\n`);
    }
    talk('next: commit it, then flotilla cluster add NAME -l env=dev --public-key U…');
    return EXIT.yes;
  },
};

/** What is there already of a file, or a file where one of its directories belongs. */
function inTheWay(directory: string, file: string): string | undefined {
  const parts = file.split('/');
  return parts
    .map((_, index) => parts.slice(0, index + 1).join('/'))
    .find((path) => {
      const found = statSync(join(directory, path), { throwIfNoEntry: false });
      return found && (path === file || !found.isDirectory());
    });
}

/** The name of a directory as a name of documents. */
function nameFrom(directory: string): string {
  const name = directory
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
  return name === '' ? 'fleet' : name;
}
