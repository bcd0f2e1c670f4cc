import { confirmed, EXPIRY, expiryNeeded, ORDER, reasonOf } from '../acting/flags.ts';
import { declined, give, type Payload } from '../acting/order.ts';
import { type Flags, type Parsed, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { labelCheck } from '../known-labels.ts';
import { counted } from '../output/words.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue, SELECTOR } from './common.ts';

const MOST_NAMED = 5;
const CLUSTERS = `query Meant($filter: ClusterFilter) {
  clusters(filter: $filter, first: ${MOST_NAMED}) { totalCount nodes { name } }
}`;
const COMMIT = 'query Commit($rev: String!) { commit(rev: $rev) { oid shortOid headline } }';
type Clusters = { clusters: { totalCount: number; nodes: { name: string }[] } };

const OF: Flags = { selector: { ...SELECTOR.selector!, mayBeEmpty: true } };
const ONE_CLUSTER: Flags = { cluster: { value: 'NAME', describe: 'one cluster, instead of -l' } };
const ALL = 'An empty selector (-l "") is every cluster.';

/** Orders that last until they are ended or expire. */
export const pin: Verb = {
  summary: 'Keeps clusters at what a placement was at a commit of the branch, whatever its rollouts do.',
  usage: [
    'pin PLACEMENT COMMIT -l SELECTOR|--cluster NAME --for DURATION|--until TIME --reason TEXT [--yes]',
  ],
  flags: { ...OF, ...ONE_CLUSTER, ...EXPIRY, ...ORDER },
  notes: [ALL, 'While it lasts the clusters count as Blocked; afterwards they are brought along.'],
  async run(parsed, around) {
    const [placement, rev] = words(parsed, 'pin what? PLACEMENT COMMIT', 2);
    const expiresAt = expiryNeeded(parsed, around.now());
    const reason = reasonOf(parsed);
    const whom = whomOf(parsed);
    const { commit } = await around.hub.ask<{
      commit: { oid: string; shortOid: string; headline: string } | null;
    }>(COMMIT, { rev }, around.signal);
    if (!commit) {
      around.talk(`commit ${rev} is not on the branch, as far as the hub looks`);
      return EXIT.no;
    }
    const what = `pin ${placement} at ${commit.shortOid} "${commit.headline}" until ${expiresAt}`;
    const input = { placement, ...whom, revision: commit.oid, reason, expiresAt };
    return carryOut(['pin', 'PinInput'], input, what, parsed, around);
  },
};

export const unpin: Verb = {
  summary: 'Ends a pin.',
  usage: ['unpin PLACEMENT -l SELECTOR|--cluster NAME --reason TEXT [--yes]'],
  flags: { ...OF, ...ONE_CLUSTER, ...ORDER },
  notes: ['`flotilla status` lists what is pinned. The selector means the same pin however it is spelled.'],
  async run(parsed, around) {
    const [placement] = words(parsed, 'unpin what? PLACEMENT', 1);
    const input = { placement, ...whomOf(parsed), reason: reasonOf(parsed) };
    return carryOut(['unpin', 'UnpinInput'], input, `unpin ${placement}`, parsed, around);
  },
};

export const freeze: Verb = {
  summary: 'Lets nothing new start on clusters, whatever runs there.',
  usage: ['freeze -l SELECTOR --for DURATION|--until TIME --reason TEXT [--yes]'],
  flags: { ...OF, ...EXPIRY, ...ORDER },
  notes: [ALL, 'What is under way finishes; drift is corrected as before.'],
  async run(parsed, around) {
    words(parsed, '', 0);
    const expiresAt = expiryNeeded(parsed, around.now());
    const input = { selector: selectorOf(parsed), reason: reasonOf(parsed), expiresAt };
    return carryOut(['freeze', 'FreezeInput'], input, `freeze until ${expiresAt}`, parsed, around);
  },
};

export const unfreeze: Verb = {
  summary: 'Ends a freeze.',
  usage: ['unfreeze -l SELECTOR --reason TEXT [--yes]'],
  flags: { ...OF, ...ORDER },
  notes: [
    '`flotilla status` lists what is frozen. The selector means the same freeze however it is spelled.',
  ],
  async run(parsed, around) {
    words(parsed, '', 0);
    const input = { selector: selectorOf(parsed), reason: reasonOf(parsed) };
    return carryOut(['unfreeze', 'UnfreezeInput'], input, 'unfreeze', parsed, around);
  },
};

export const hold: Verb = {
  summary:
    'Lets nothing be written on a cluster: no changes, no correction of drift. Drift is still reported.',
  usage: ['hold CLUSTER --for DURATION|--until TIME --reason TEXT [--yes]'],
  flags: { ...EXPIRY, ...ORDER },
  notes: [],
  async run(parsed, around) {
    const [cluster] = words(parsed, 'hold which cluster?', 1);
    const expiresAt = expiryNeeded(parsed, around.now());
    const input = { cluster, reason: reasonOf(parsed), expiresAt };
    return carryOut(['hold', 'HoldInput'], input, `hold until ${expiresAt}`, parsed, around);
  },
};

export const release: Verb = {
  summary: 'Ends a hold: what was under way starts anew.',
  usage: ['release CLUSTER --reason TEXT [--yes]'],
  flags: ORDER,
  notes: ['`flotilla status` lists what is held.'],
  async run(parsed, around) {
    const [cluster] = words(parsed, 'release which cluster?', 1);
    const input = { cluster, reason: reasonOf(parsed) };
    return carryOut(['release', 'ReleaseInput'], input, 'release', parsed, around);
  },
};

function words({ positionals }: Parsed, missing: string, count: number): string[] {
  if (positionals.length < count) throw usage(missing);
  if (positionals.length > count) throw usage(`unexpected word ${positionals[count]}`);
  return [...positionals];
}

function selectorOf(parsed: Parsed): string {
  const selector = flagValue(parsed, 'selector');
  if (selector === undefined) throw usage('which clusters? -l SELECTOR');
  return selector;
}

function whomOf(parsed: Parsed): { cluster: string } | { selector: string } {
  const cluster = flagValue(parsed, 'cluster');
  if (cluster === undefined) return { selector: selectorOf(parsed) };
  if (flagValue(parsed, 'selector') !== undefined) throw usage('either -l or --cluster');
  return { cluster };
}

type Input = { readonly selector?: string; readonly cluster?: string | undefined };

/** Says which clusters are meant, asks, and orders. */
async function carryOut(
  mutation: readonly [string, string],
  input: Input,
  what: string,
  parsed: Parsed,
  around: Surroundings,
): Promise<ExitCode> {
  const which = input.cluster ?? (await clustersOf(input.selector!, around));
  if (!(await confirmed([`${what}: ${which}`], parsed, around))) return EXIT.no;
  type Answer = Payload & { affectedClusters: number };
  const answer = await give<Answer>(mutation, 'affectedClusters', input, around);
  const no = declined(answer, around);
  if (no !== undefined) return no;
  around.out(`${mutation[0]} ${counted(answer.affectedClusters, 'cluster')}\n`);
  return EXIT.yes;
}

async function clustersOf(selector: string, around: Surroundings): Promise<string> {
  await labelCheck(selector, around)();
  const { clusters } = await around.hub.ask<Clusters>(CLUSTERS, { filter: { selector } }, around.signal);
  const { totalCount, nodes } = clusters;
  const rest = totalCount - nodes.length;
  const names = nodes.map(({ name }) => name).join(', ');
  const shown = totalCount === 0 ? '' : ` (${names}${rest > 0 ? ` and ${rest} more` : ''})`;
  return `${counted(totalCount, 'cluster')}${shown}`;
}
