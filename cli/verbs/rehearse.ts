import { milliseconds } from '#proto/documents/common.ts';
import type { Problem } from '#proto/problems.ts';
import { rehearse as play } from '#rollouts/rehearsal/rehearse.ts';
import type { Rule } from '#rollouts/rehearsal/scenario.ts';
import { type Parsed, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { CHECKOUT, directoryOf, openCheckout } from '../offline/open.ts';
import { type Moment, readMoments } from '../offline/rehearse/moments.ts';
import { actsOf, commitsOf, readScript, type Script } from '../offline/rehearse/script.ts';
import { Snapshots } from '../offline/rehearse/snapshots.ts';
import { rehearsalText } from '../offline/rehearse/text.ts';
import { told } from '../offline/report/told.ts';
import { counted } from '../output/words.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue, TEXT_OR_JSON } from './common.ts';

const DAY = 24 * 3_600_000;

export const rehearse: Verb = {
  summary: 'Plays a change through the fleet in virtual time: what would happen, and when.',
  usage: ['rehearse [DIR|-C DIR] [--from REV] [--to REV] [--scenario FILE] [--seed N] [-o text|json]'],
  flags: {
    ...CHECKOUT,
    from: { value: 'REV', describe: 'what the fleet runs before the change (default: the parent of --to)' },
    to: { value: 'REV', describe: 'the change (default: HEAD)' },
    scenario: { value: 'FILE', describe: 'how clusters behave and what people do, in YAML' },
    seed: { value: 'N', describe: 'chooses the clusters of rules with a percentage (default: 1)' },
    ...TEXT_OR_JSON,
  },
  notes: [
    'It is the very machine that the hub runs; no hub, no bus and no cluster is needed. Every cluster runs --from when the change comes, and becomes Current 20s after it was started unless the scenario says otherwise. The same arguments give the same answer.',
    'The format of scenarios: docs/rollouts.md; its schema: docs/schemas/scenario.json. What the machine refuses (an approval by somebody who may not) is an event of the rehearsal, not an error.',
    'Exit codes: 0 it was played, whatever came of it; 1 the scenario is not valid; 2 it could not be looked at; 64 wrong command line.',
    'examples:\n  flotilla rehearse\n  flotilla rehearse --from v1.2 --to HEAD --scenario bad-canary.yaml\n  flotilla rehearse -o json | jq .placements.storefront.outcome',
  ],
  async run(parsed, around) {
    const directory = directoryOf(parsed);
    const seed = seedOf(parsed);
    const script = await readScript(flagValue(parsed, 'scenario'));
    if (!('scenario' in script)) return refused(script, around);
    await using checkout = await openCheckout(parsed, around, directory);
    const { signal } = around;
    const to = flagValue(parsed, 'to') ?? 'HEAD';
    const from = flagValue(parsed, 'from') ?? `${to}~1`;
    const commits = commitsOf(script);
    const moments = await readMoments(checkout, [from, to, ...commits], signal);
    warn(moments[1]!, around);
    const places = new Map([from, to, ...commits].map((name, at) => [name, at]));
    for (const [at, { commit }] of moments.entries()) places.set(commit.oid, at);
    const placeOf = async (name: string) => {
      const known = places.get(name);
      if (known !== undefined) return known;
      const oid = (await checkout.revision(name, signal)).commit!.oid;
      return places.get(oid);
    };
    for (const name of namedIn(script)) {
      const place = await placeOf(name);
      if (place !== undefined) places.set(name, place);
    }
    const unknown = unknownRevisions(script, places);
    if (unknown.length > 0) return refused(unknown, around);

    const snapshots = new Snapshots(checkout.objects, moments);
    const before = await snapshots.at(0, snapshots.entriesAt(0), signal);
    const entries = snapshots.entriesAt(1, snapshots.entriesAt(0));
    const change = await snapshots.at(1, entries, signal);
    const world = { snapshot: change, entries, head: 1 };
    const acted = await actsOf(script, snapshots, world, (name) => places.get(name), signal);
    if ('problems' in acted) return refused(acted.problems, around);
    const { spec } = script.scenario;
    const rehearsed = play({
      before,
      change,
      acts: acted.acts,
      rules: spec.clusters ?? [],
      places,
      start: spec.start === undefined ? moments[1]!.commit.committer.at * 1_000 : Date.parse(spec.start),
      untilMs: spec.until === undefined ? DAY : milliseconds(spec.until),
      seed,
    });
    if (flagValue(parsed, 'output') === 'json') around.out(`${JSON.stringify(rehearsed, null, 2)}\n`);
    else around.out(rehearsalText(rehearsed, around.color));
    return EXIT.yes;
  },
};

function seedOf(parsed: Parsed): number {
  const text = flagValue(parsed, 'seed') ?? '1';
  if (!/^[0-9]{1,15}$/.test(text)) throw usage(`--seed ${text} is not a whole number`);
  return Number(text);
}

function refused(problems: readonly Problem[], { talk }: Surroundings): ExitCode {
  for (const problem of problems) {
    const { file, line, column, message } = told(problem);
    talk(`${file}:${line}:${column}: error: ${message}`);
  }
  return EXIT.no;
}

/** A fleet with errors can be rehearsed: what is not valid stays as it is. */
function warn({ model, name }: Moment, { talk }: Surroundings): void {
  const errors = model.problems.filter(({ severity }) => severity === 'error');
  for (const problem of errors.slice(0, 5)) {
    const { file, line, column, message } = told(problem);
    talk(`${file}:${line}:${column}: error: ${message}`);
  }
  if (errors.length > 0)
    talk(`${counted(errors.length, 'error')} at ${name}; what is not valid stays as it is`);
}

const namedIn = ({ scenario: { spec } }: Script): string[] => [
  ...(spec.clusters ?? []).flatMap(({ revision }) => (revision === undefined ? [] : [revision])),
  ...(spec.events ?? []).flatMap(({ pin }) => (pin === undefined ? [] : [pin.revision])),
];

/** Rules about revisions that the rehearsal never comes to. */
function unknownRevisions({ scenario, problem }: Script, places: ReadonlyMap<string, number>): Problem[] {
  return (scenario.spec.clusters ?? []).flatMap(({ revision }: Rule, index) =>
    revision === undefined || places.has(revision)
      ? []
      : [
          problem(
            ['spec', 'clusters', index, 'revision'],
            `${revision} is neither --from nor --to nor the commit of an event`,
          ),
        ],
  );
}
