import { usage } from '../args.ts';
import { EXIT } from '../exit.ts';
import { whyOn } from '../offline/describe.ts';
import { whyText } from '../offline/describe-text.ts';
import { clusterNamed, fleetAt, isResolvable, placementNamed } from '../offline/fleet.ts';
import { CHECKOUT, openCheckout, REVISION } from '../offline/open.ts';
import type { Verb } from '../verb.ts';
import { flagValue, TEXT_OR_JSON } from './common.ts';

export const why: Verb = {
  summary: 'Tells why a cluster is given a placement, or is not.',
  usage: ['why CLUSTER [PLACEMENT] [--rev REV] [-o text|json]'],
  flags: {
    ...CHECKOUT,
    ...REVISION,
    ...TEXT_OR_JSON,
  },
  notes: [
    'Without PLACEMENT: all of them. Exit code 1: the name does not exist, or the PLACEMENT is not selected.',
    'examples:\n  flotilla why prod-eu-1\n  flotilla why prod-eu-1 web',
  ],
  async run(parsed, around) {
    const [name, wanted, word] = parsed.positionals;
    if (name === undefined) throw usage('why what? a CLUSTER, and maybe a PLACEMENT');
    if (word !== undefined) throw usage(`unexpected word ${word}`);
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
