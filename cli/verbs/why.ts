import { usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { whyOn } from '../offline/describe.ts';
import { whyText } from '../offline/describe-text.ts';
import { clusterNamed, fleetAt, isResolvable, placementNamed } from '../offline/fleet.ts';
import { CHECKOUT, openCheckout, REVISION } from '../offline/open.ts';
import { explainedText, explanationOf, placementsOn } from '../rollouts/explain.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue, TEXT_OR_JSON } from './common.ts';

export const why: Verb = {
  summary:
    'Tells why a cluster is given a placement, or is not; with --live, why it runs the revision that it runs.',
  usage: [
    'why CLUSTER [PLACEMENT] [--rev REV] [-o text|json]',
    'why CLUSTER [PLACEMENT] --live [-o text|json]',
  ],
  flags: {
    live: { describe: 'ask the hub: why it runs this revision, why not the newer one, what is awaited' },
    ...CHECKOUT,
    ...REVISION,
    ...TEXT_OR_JSON,
  },
  notes: [
    'Without --live the fleet repo of this directory is asked, and no hub. --hub URL on the command line means --live, too.',
    'Without PLACEMENT: all of them. Exit code 1: the name does not exist, or the PLACEMENT is not selected.',
    'examples:\n  flotilla why prod-eu-1\n  flotilla why prod-eu-1 web\n  flotilla why prod-eu-1 web --live',
  ],
  async run(parsed, around) {
    const [name, wanted, word] = parsed.positionals;
    if (name === undefined) throw usage('why what? a CLUSTER, and maybe a PLACEMENT');
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    if (parsed.switches.has('live') || parsed.values.has('hub')) {
      const offline = [...Object.keys(CHECKOUT), ...Object.keys(REVISION)].find((flag) =>
        parsed.values.has(flag),
      );
      if (offline !== undefined)
        throw usage(`--${offline} looks at the fleet repo, --live asks the hub: one of them`);
      return whyLive(name, wanted, flagValue(parsed, 'output') === 'json', around);
    }
    await using checkout = await openCheckout(parsed, around);
    const fleet = await fleetAt(checkout, flagValue(parsed, 'rev'), around.signal);
    if (!isResolvable(fleet, around)) return EXIT.no;
    const { model } = fleet;
    const cluster = clusterNamed(fleet, name, around);
    const only = wanted === undefined ? undefined : placementNamed(fleet, wanted, around);
    if (!cluster || (wanted !== undefined && !only)) return EXIT.no;
    const placements = only ? [only] : [...model.placements.values()];
    const told = placements.map((placement) => whyOn(model, cluster, placement));
    const labels = cluster.document.metadata.labels ?? {};
    if (flagValue(parsed, 'output') === 'json')
      around.out(
        `${JSON.stringify({ cluster: name, file: cluster.file, labels, placements: told }, null, 2)}\n`,
      );
    else around.out(whyText(told, around.color));
    for (const invalid of wanted === undefined ? model.invalid.placements : [])
      around.talk(`placement ${invalid} is not valid; flotilla validate tells why`);
    return only && !told[0]!.selected ? EXIT.no : EXIT.yes;
  },
};

async function whyLive(
  cluster: string,
  wanted: string | undefined,
  json: boolean,
  around: Surroundings,
): Promise<ExitCode> {
  const given = await placementsOn(cluster, around);
  if (!given) return EXIT.no;
  const told = [];
  for (const placement of wanted === undefined ? given : [wanted]) {
    const one = await explanationOf(cluster, placement, around);
    if (one) told.push(one);
    else around.talk(`the hub has decided nothing about ${placement} on ${cluster}`);
  }
  if (json) around.out(`${JSON.stringify({ cluster, placements: told }, null, 2)}\n`);
  else around.out(told.map((one) => explainedText(cluster, one, around.color)).join('\n'));
  return wanted !== undefined && (told.length === 0 || !given.includes(wanted)) ? EXIT.no : EXIT.yes;
}
