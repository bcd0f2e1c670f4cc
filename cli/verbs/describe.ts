import { unknown, usage } from '../args.ts';
import { EXIT } from '../exit.ts';
import { describeCluster, describePlacement } from '../offline/describe.ts';
import { clusterText, placementText } from '../offline/describe-text.ts';
import { clusterNamed, fleetAt, isResolvable, placementNamed } from '../offline/fleet.ts';
import { CHECKOUT, openCheckout, REVISION } from '../offline/open.ts';
import type { Verb } from '../verb.ts';
import { flagValue, TEXT_OR_JSON } from './common.ts';

export const describe: Verb = {
  summary: 'Tells everything that the fleet repo says of a cluster or of a placement.',
  usage: ['describe cluster|placement NAME [--rev REV] [-o text|json]'],
  flags: {
    ...CHECKOUT,
    ...REVISION,
    ...TEXT_OR_JSON,
  },
  notes: [
    'Of a cluster: its assignments resolved, each value with the file that it comes from, stage and policy. Of a placement: its clusters by stage, and why others are not selected. What runs there now is told by `flotilla get` and `flotilla status`.',
    'examples:\n  flotilla describe cluster prod-eu-1\n  flotilla describe placement web -o json',
  ],
  async run(parsed, around) {
    const [kind, name, word] = parsed.positionals;
    if (kind === undefined) throw usage('describe what? cluster NAME or placement NAME');
    const one = kind.replace(/s$/, '');
    if (one !== 'cluster' && one !== 'placement') throw unknown('kind', kind, ['cluster', 'placement']);
    if (name === undefined) throw usage(`describe which ${one}? give its NAME`);
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    await using checkout = await openCheckout(parsed, around);
    const fleet = await fleetAt(checkout, flagValue(parsed, 'rev'), around.signal);
    if (!isResolvable(fleet, around)) return EXIT.no;
    const json = flagValue(parsed, 'output') === 'json';
    const print = (value: unknown, text: string) =>
      around.out(json ? `${JSON.stringify(value, null, 2)}\n` : text);
    if (one === 'cluster') {
      const cluster = clusterNamed(fleet, name, around);
      if (!cluster) return EXIT.no;
      const told = describeCluster(fleet.model, cluster);
      print(told, clusterText(told, around.color));
    } else {
      const placement = placementNamed(fleet, name, around);
      if (!placement) return EXIT.no;
      const told = describePlacement(fleet.model, placement);
      print(told, placementText(told));
    }
    return EXIT.yes;
  },
};
