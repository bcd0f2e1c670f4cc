import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CLUSTER_MODES } from '#proto/documents/cluster.ts';
import { dnsLabel } from '#proto/documents/common.ts';
import { FlotillaError } from '#proto/faults.ts';
import { type Parsed, unknown, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { readDocuments } from '../offline/documents.ts';
import { checkEntry, entryFile, entryText, type NewCluster } from '../offline/entry.ts';
import { CHECKOUT, openCheckout } from '../offline/open.ts';
import { told } from '../offline/report/told.ts';
import { sideAt } from '../offline/side.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue } from './common.ts';

export const cluster: Verb = {
  summary: 'Adds the entry of a cluster to the fleet repo.',
  usage: ['cluster add NAME [-l KEY=VALUE]… --public-key U… [--mode enforce|observe] [--dry-run]'],
  flags: {
    ...CHECKOUT,
    label: { short: 'l', value: 'KEY=VALUE', multiple: true, describe: 'a label of the cluster' },
    'public-key': { value: 'U…', multiple: true, describe: 'the public key of its agent' },
    mode: {
      value: 'MODE',
      choices: CLUSTER_MODES,
      describe: 'observe: its agent never writes (default: enforce)',
    },
    'dry-run': { describe: 'print the entry, write nothing' },
  },
  notes: [
    'Name, labels and key are checked against the fleet. The file is written into the work tree and is in force once it is merged. Installing the agent, making its key and opening a branch are not in this version.',
    'example:\n  flotilla cluster add prod-eu-7 -l env=prod -l region=eu --public-key U… --dry-run',
  ],
  async run(parsed, around) {
    const [action, name, word] = parsed.positionals;
    if (action === undefined) throw usage('cluster what? cluster add NAME');
    if (action !== 'add') throw unknown('action', action, ['add']);
    if (name === undefined) throw usage('cluster add needs a NAME');
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    return add(entryOf(name, parsed), parsed, around);
  },
};

function entryOf(name: string, parsed: Parsed): NewCluster {
  const wrong = dnsLabel.safeParse(name).error?.issues[0]?.message;
  if (wrong) throw usage(`cluster name ${name} is ${wrong}`);
  const labels: Record<string, string> = {};
  for (const text of (parsed.values.get('label') ?? []).flatMap((list) => list.split(','))) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    if (key === undefined || value === undefined) throw usage(`label ${text} is not KEY=VALUE`);
    if (Object.hasOwn(labels, key)) throw usage(`label ${key} is given twice`);
    labels[key] = value;
  }
  const publicKeys = parsed.values.get('public-key');
  if (!publicKeys) throw usage('--public-key U… is missing: the public key of the agent of the cluster');
  return { name, labels, publicKeys, mode: flagValue(parsed, 'mode') };
}

async function add(entry: NewCluster, parsed: Parsed, around: Surroundings): Promise<ExitCode> {
  const { signal } = around;
  await using checkout = await openCheckout(parsed, around);
  if (checkout.top === undefined)
    throw new FlotillaError('git-local-failed', 'a bare repository has no work tree to write an entry into');
  const side = await sideAt(checkout, undefined, signal);
  const documents = await readDocuments(checkout.objects, side.tree, new Map(), signal);
  const file = entryFile(entry.name);
  const same = [...documents.keys()].find(
    (path) => path.startsWith('clusters/') && path.endsWith(`/${entry.name}.yaml`),
  );
  if (same !== undefined) {
    around.talk(`cluster ${entry.name} exists already in ${same}`);
    return EXIT.no;
  }
  const problems = checkEntry(
    [...documents.values()].map(({ read }) => read),
    entry,
  );
  for (const problem of problems) around.talk(`error: ${told(problem).message} [${problem.code}]`);
  if (problems.length > 0) return EXIT.no;
  const text = entryText(entry);
  around.out(text);
  if (parsed.switches.has('dry-run')) return EXIT.yes;
  const path = join(checkout.top, side.root, file);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'wx' });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new FlotillaError('git-local-failed', `${path} cannot be written (${code})`, { cause });
  }
  around.talk(
    `written to ${path}: commit it, and install the agent with the seed of this key (docs/running.md)`,
  );
  return EXIT.yes;
}
