import { didYouMean } from '#proto/problems.ts';
import { confirmed, ORDER, reasonOf } from '../acting/flags.ts';
import { declined, give, type Payload } from '../acting/order.ts';
import { type Parsed, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { counted } from '../output/words.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue } from './common.ts';

const MOST_NAMED = 5;
const NODE = `id alias kind state stage count groups reason clusterCount
  placement { name } rollout { alias change { id alias } } decisions { by }
  clusters(first: ${MOST_NAMED}) { nodes { name } } commit { path field item }`;
const WAITING = `query Waiting($after: String) {
  approvals(state: [PENDING, EXPIRED], first: 100, after: $after) { nodes { ${NODE} } ${PAGE_INFO} }
}`;
const DECIDED = `query Decided {
  approvals(state: [APPROVED, DENIED, WITHDRAWN], first: 100) { nodes { alias state decisions { by } } }
}`;
const CHANGE = 'query Change($alias: String!) { change(alias: $alias) { id alias } }';
type Node = {
  id: string;
  alias: string;
  kind: string;
  state: string;
  stage: string | null;
  count: number | null;
  groups: string[];
  reason: string;
  clusterCount: number;
  placement: { name: string };
  rollout: { alias: string; change: { id: string; alias: string } } | null;
  decisions: { by: string }[];
  clusters: { nodes: { name: string }[] };
  commit: { path: string; field: string; item: string } | null;
};

const verb = (word: 'approve' | 'deny'): Verb => ({
  summary:
    word === 'approve'
      ? 'Approves one approval, or everything that a change waits for in a stage.'
      : 'Denies one approval, or everything that a change waits for in a stage: that aborts the rollouts.',
  usage: [`${word} ID|CHANGE [--stage NAME] --reason TEXT [--yes]`],
  flags: {
    ...ORDER,
    stage: {
      value: 'NAME',
      describe: 'of a CHANGE: the stage that is meant (default: the only one that waits)',
    },
  },
  notes: [
    'ID and CHANGE are as `get approvals` and `get changes` list them. What it affects is listed first.',
    'Deletions are approved by a commit: it is printed, and the exit code is 1.',
  ],
  async run(parsed, around) {
    const [name, extra] = parsed.positionals;
    if (name === undefined) throw usage(`${word} what? an approval, or a change`);
    if (extra !== undefined) throw usage(`unexpected word ${extra}`);
    const reason = reasonOf(parsed);
    const meant = await meantBy(name, parsed, around);
    if (typeof meant === 'number') return meant;
    if (
      !(await confirmed(
        meant.rows.map((row) => lineOf(word, row)),
        parsed,
        around,
      ))
    )
      return EXIT.no;
    type Answer = Payload & { approvals: Pick<Node, 'alias' | 'state' | 'count' | 'decisions'>[] };
    const input = { ...meant.input, approve: word === 'approve', reason };
    const answer = await give<Answer>(
      ['decideApproval', 'DecisionInput'],
      'approvals { alias state count decisions { by } }',
      input,
      around,
    );
    for (const one of answer.approvals) {
      const far = one.state === 'PENDING' ? `: ${givenText(one)}` : '';
      around.out(`${one.alias} ${one.state}${far}\n`);
    }
    const { approvals, errors } = answer;
    if (approvals.length > 0 && errors.length > 0) {
      for (const { message } of errors) around.talk(message);
      around.talk(`${word}: done for ${approvals.length} of ${meant.rows.length}`);
      return EXIT.no;
    }
    return declined(answer, around) ?? EXIT.yes;
  },
});
export const approve = verb('approve');
export const deny = verb('deny');

type Meant = { readonly rows: readonly Node[]; readonly input: object };

async function meantBy(name: string, parsed: Parsed, around: Surroundings): Promise<Meant | ExitCode> {
  const { hub, signal, talk } = around;
  type Page = { approvals: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } };
  const all = await allPages(hub, WAITING, {}, (answer: Page) => answer.approvals, signal);
  const stage = flagValue(parsed, 'stage');
  const one = all.find(({ alias, id }) => alias === name || id === name);
  if (one?.commit) {
    talk(
      `a deletion is approved by a commit: add ${one.commit.item} to ${one.commit.field} in ${one.commit.path}`,
    );
    return EXIT.no;
  }
  if (one) {
    if (stage !== undefined && stage !== one.stage) throw usage(`approval ${name} is of stage ${one.stage}`);
    return { rows: [one], input: { approvalId: one.id } };
  }
  const { change } = await hub.ask<{ change: { id: string; alias: string } | null }>(
    CHANGE,
    { alias: name },
    signal,
  );
  if (!change) {
    const decided = name.includes('@') ? await decidedAs(name, around) : undefined;
    if (decided) {
      const { alias, state, decisions } = decided;
      const by =
        decisions.length > 0 ? `, by ${[...new Set(decisions.map((one) => one.by))].join(', ')}` : '';
      talk(`${alias} waits for nothing: it is ${state}${by}`);
      return EXIT.no;
    }
    const near = didYouMean(
      name,
      all.flatMap(({ alias, rollout }) => [alias, rollout?.change.alias ?? alias]),
    );
    talk(`no approval that waits and no change is called "${name}"${near ? `; did you mean ${near}?` : ''}`);
    return EXIT.no;
  }
  const rows = all.filter(({ rollout }) => rollout?.change.id === change.id);
  const stages = [...new Set(rows.map((row) => row.stage!))];
  const meant = stage ?? (stages.length === 1 ? stages[0] : undefined);
  if (meant === undefined && stages.length > 0)
    throw usage(`which stage of ${change.alias}? --stage ${stages.join(' or ')}`);
  const chosen = rows.filter((row) => row.stage === meant);
  if (chosen.length === 0 && stage === undefined) {
    talk(`nothing of ${change.alias} waits for an approval`);
    return EXIT.no;
  }
  // A stage where nothing waits, or that is not there: the hub knows which.
  return { rows: chosen, input: { changeId: change.id, stage: meant } };
}

/** Of those that were decided, the newest. */
async function decidedAs(name: string, { hub, signal }: Surroundings) {
  type Answer = { approvals: { nodes: Pick<Node, 'alias' | 'state' | 'decisions'>[] } };
  const { approvals } = await hub.ask<Answer>(DECIDED, {}, signal);
  return approvals.nodes.find(({ alias }) => alias === name);
}

const givenText = ({ count, decisions }: Pick<Node, 'count' | 'decisions'>): string =>
  `${decisions.length} of ${count ?? 1} given`;

function lineOf(word: string, { placement, stage, rollout, clusterCount, clusters, ...given }: Node): string {
  const names = clusters.nodes.map((one) => one.name).join(', ');
  const rest = clusterCount - clusters.nodes.length;
  const which = `${counted(clusterCount, 'cluster')} (${names}${rest > 0 ? ` and ${rest} more` : ''})`;
  const on = clusterCount > 0 ? which : 'no cluster';
  return `${word} ${stage} of ${placement.name} for ${rollout?.alias}: ${on}, ${givenText(given)}`;
}
