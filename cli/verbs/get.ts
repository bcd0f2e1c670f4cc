import { FlotillaError } from '#proto/faults.ts';
import { didYouMean } from '#proto/problems.ts';
import { unknown, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { labelCheck } from '../known-labels.ts';
import { type Format, printList, printValue } from '../output/print.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { watch } from '../watch.ts';
import { approvals } from './approvals.ts';
import { assignments } from './assignments.ts';
import { changes } from './changes.ts';
import { clusters } from './clusters.ts';
import { flagValue, formatOf, outputFlag, SELECTOR, WATCH } from './common.ts';
import type { Listed, Question } from './listed.ts';
import { placements } from './placements.ts';
import { rollouts } from './rollouts.ts';

/** Each kind hands itself to whoever can use any kind. */
type Kind = <R>(use: <T>(listed: Listed<T>) => R) => R;
const KINDS: Readonly<Record<string, Kind>> = {
  clusters: (use) => use(clusters),
  placements: (use) => use(placements),
  assignments: (use) => use(assignments),
  rollouts: (use) => use(rollouts),
  changes: (use) => use(changes),
  approvals: (use) => use(approvals),
};
const ALIASES: Readonly<Record<string, string>> = {
  cluster: 'clusters',
  placement: 'placements',
  assignment: 'assignments',
  rollout: 'rollouts',
  change: 'changes',
  approval: 'approvals',
};

const BELONGS: Readonly<Record<string, readonly string[]>> = {
  cluster: ['assignments'],
  placement: ['assignments', 'rollouts'],
  all: ['rollouts', 'changes', 'approvals'],
  mine: ['approvals'],
};

export const get: Verb = {
  summary: 'Lists clusters, placements, assignments, rollouts, changes, or what waits for an approval.',
  usage: [
    'get clusters [NAME…] [-l SELECTOR] [-o FORMAT] [-w]',
    'get placements [NAME…] [-o FORMAT] [-w]',
    'get assignments [--cluster NAME]… [--placement NAME]… [-l SELECTOR] [-o FORMAT] [-w]',
    'get rollouts [NAME@CHANGE…] [--placement NAME]… [--all] [-o FORMAT] [-w]',
    'get changes [CHANGE…] [--all] [-o FORMAT] [-w]',
    'get approvals [ID…] [--all|--mine] [-o FORMAT] [-w]',
  ],
  flags: {
    ...outputFlag(),
    ...SELECTOR,
    ...WATCH,
    cluster: { value: 'NAME', multiple: true, describe: 'assignments of this cluster only' },
    placement: { value: 'NAME', multiple: true, describe: 'assignments or rollouts of this placement only' },
    all: { describe: 'also rollouts, changes and approvals that are over' },
    mine: { describe: 'only approvals that your token could give now' },
  },
  notes: [
    'Of rollouts those under way are listed, and the newest of each placement; of changes the newest 20; of approvals what waits. --all lists all that the hub knows, and so does a NAME.',
    'With -o json or yaml a list is {items: […]}; exactly one NAME gives the object itself.',
    'A NAME that does not exist is exit code 1; the others are printed. An empty list is exit code 0.',
  ],
  async run(parsed, around) {
    const [given, ...names] = parsed.positionals;
    if (given === undefined) throw usage(`get what? one of ${Object.keys(KINDS).join(', ')}`);
    const kind = ALIASES[given] ?? given;
    if (!Object.hasOwn(KINDS, kind)) throw unknown('kind', given, Object.keys(KINDS));
    for (const [flag, kinds] of Object.entries(BELONGS)) {
      const isGiven = parsed.values.has(flag) || parsed.switches.has(flag);
      if (isGiven && !kinds.includes(kind)) throw usage(`--${flag} belongs to get ${kinds.join(' and ')}`);
    }
    if (kind === 'assignments' && names.length > 0) {
      throw usage('assignments have no names of their own: use --cluster and --placement');
    }
    if (!['clusters', 'assignments'].includes(kind) && parsed.values.has('selector')) {
      throw usage(`-l selects clusters; ${kind} are listed by name`);
    }
    const selector = flagValue(parsed, 'selector');
    const question = { selector, names, parsed, check: labelCheck(selector, around) };
    const format = formatOf(parsed);
    const show = parsed.switches.has('watch') ? follow : once;
    return KINDS[kind]!((listed) => show(listed, question, format, around));
  },
};

async function once<T>(
  listed: Listed<T>,
  question: Question,
  format: Format,
  around: Surroundings,
): Promise<ExitCode> {
  const { names } = question;
  await question.check();
  const items = await listed.list(question, around);
  const [only] = items;
  if (names.length === 1 && only !== undefined && (format === 'json' || format === 'yaml')) {
    await printValue(only, format, around);
  } else if (names.length !== 1 || only !== undefined) {
    await printList(items, format, listed.shape(around.now()), around);
  }
  const found = new Set(items.map(listed.key));
  const missing = names.filter((name) => !found.has(name));
  for (const name of missing) {
    const all = await listed.list({ ...question, names: [], selector: undefined }, around);
    const near = didYouMean(name, all.map(listed.key));
    around.talk(`${listed.one} ${name} does not exist${near ? `; did you mean ${near}?` : ''}`);
  }
  if (items.length === 0 && missing.length === 0) around.talk(`no ${listed.one}s found`);
  return missing.length > 0 ? EXIT.no : EXIT.yes;
}

/** All of it once, then what changes, item by item; json as one object a line. */
async function follow<T>(
  listed: Listed<T>,
  question: Question,
  format: Format,
  around: Surroundings,
): Promise<ExitCode> {
  if (format === 'yaml') throw new FlotillaError('usage', '-w prints table, wide, name or json');
  const shown = new Map<string, string>();
  await watch(async () => {
    const first = shown.size === 0;
    await question.check();
    const changed = (await listed.list(question, around)).filter((item) => {
      const print = listed.fingerprint(item);
      if (shown.get(listed.key(item)) === print) return false;
      shown.set(listed.key(item), print);
      return true;
    });
    if (format === 'json') around.out(changed.map((item) => `${JSON.stringify(item)}\n`).join(''));
    else await printList(changed, format, listed.shape(around.now()), around, { header: first });
  }, around);
  return EXIT.yes;
}
