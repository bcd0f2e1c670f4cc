import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '#cli/testing/hub.ts';
import { createNkey } from '#proto/nkey.ts';
import { type Sim, startSim } from '#sim/server.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { assignmentsOf, isCurrent } from '../bed/fleet-state.ts';
import { ask } from '../bed/graphql.ts';
import { Line } from '../bed/line.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import { FLEET, kustomization, writeFiles } from './fleet.ts';

/**
 * Ways to take much away with one commit, on a running line of eighteen clusters, two of them with agents: nothing goes before it is
 * approved, everything stays enforced meanwhile, and API and CLI say why.
 */
const signal = new AbortController().signal;
const NAMES = Array.from({ length: 18 }, (_, i) => `c${String(i).padStart(2, '0')}`);
const ALIVE = ['c00', 'c01'] as const;
const PATH = '/api/v1/namespaces/default/configmaps/settings';
const LEDGER = '/api/v1/namespaces/default/configmaps/ledger';
const keys = new Map(NAMES.map((name) => [name, createNkey('user')]));

const API = 'apiVersion: flotilla.dev/v1alpha1';
const entry = (name: string, labels = 'env: prod, tier: web') =>
  `${API}\nkind: Cluster\nmetadata: { name: ${name}, labels: { ${labels} } }\nspec: { agent: { publicKeys: [${keys.get(name)!.publicKey}] } }\n`;
const placement = (name: string, selector: string) =>
  `${API}\nkind: Placement\nmetadata: { name: ${name} }\nspec: { selector: ${selector}, path: apps/${name}, namespace: default }\n`;
const map = (name: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { colour: blue }\n`;
const FILES = {
  'flotilla.yaml': FLEET.replace('labels: {', 'defaults: { strategy: brisk }, labels: { tier: {},'),
  // Most of these clusters never connect: nobody is to wait for them for ten minutes.
  'rollouts/brisk.yaml': `${API}\nkind: RolloutStrategy\nmetadata: { name: brisk }\nspec: { stages: [{ name: all, selector: {} }], offline: { after: 3s } }\n`,
  'placements/web.yaml': placement('web', '{ matchLabels: { tier: web } }'),
  'placements/books.yaml': placement('books', '{}'),
  'apps/web/kustomization.yaml': kustomization('settings.yaml'),
  'apps/web/settings.yaml': map('settings'),
  'apps/books/kustomization.yaml': kustomization('ledger.yaml'),
  'apps/books/ledger.yaml': map('ledger'),
  ...Object.fromEntries(NAMES.map((name) => [`clusters/${name}.yaml`, entry(name)])),
};

let scratch: Scratch;
let sim: Sim;
let line: Line;
let first: string;

before(async () => {
  scratch = await makeScratch('removals');
  sim = await startSim({ clusters: [...ALIVE] });
  const members = ALIVE.map((name) => {
    const kubeconfig = join(scratch.dir, `${name}.yaml`);
    writeFileSync(kubeconfig, sim.kubeconfig(name), { mode: 0o600 });
    return { name, key: keys.get(name)!, kubeconfig };
  });
  const repository = join(scratch.dir, 'repository');
  writeFiles(repository, FILES);
  line = await Line.start({ dir: join(scratch.dir, 'line'), repository, members });
  first = await line.clone.head();
  await current();
});

after(async () => {
  await line?.[Symbol.asyncDispose]();
  await sim?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

/** Both clusters run both placements, and nothing waits. */
const current = () =>
  eventually(
    'everything Current',
    async (limit) => {
      const states = await assignmentsOf(line.graphql, { clusters: ALIVE }, limit);
      return states.length === 4 && states.every(isCurrent) ? true : undefined;
    },
    PATIENCE_MS,
    signal,
  );

type Approval = {
  reason: string;
  setHash: string;
  placement: { name: string };
  clusterCount: number;
  commit: { path: string; field: string; item: string };
};
async function approvals(limit = signal): Promise<Approval[]> {
  const query = `{ approvals { nodes {
    reason setHash placement { name } clusterCount commit { path field item } } } }`;
  return (await ask<{ approvals: { nodes: Approval[] } }>(line.graphql, query, {}, limit)).approvals.nodes;
}
const held = (placement: string, reason = /./) =>
  eventually(
    `the removal of ${placement} held`,
    async (limit) =>
      (await approvals(limit)).find((one) => one.placement.name === placement && reason.test(one.reason)),
    PATIENCE_MS,
    signal,
  );
const problem = (code: string) =>
  eventually(
    `problem ${code}`,
    async (limit) => {
      const query = '{ fleet { problems(first: 100) { nodes { code message } } } }';
      type Answer = { fleet: { problems: { nodes: { code: string; message: string }[] } } };
      const { fleet } = await ask<Answer>(line.graphql, query, {}, limit);
      return fleet.problems.nodes.find((one) => one.code === code);
    },
    PATIENCE_MS,
    signal,
  );

async function kube(cluster: string, method: string, path = PATH, body?: object) {
  const response = await fetch(`${sim.serverUrl(cluster)}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${sim.token(cluster)}`,
      'content-type': 'application/merge-patch+json',
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as { data?: Record<string, string> } };
}

/** What was there is there, nobody tried to delete anything, and what somebody changes is corrected. */
async function unharmed(): Promise<void> {
  for (const cluster of ALIVE) {
    assert.equal((await kube(cluster, 'PATCH', PATH, { data: { colour: 'red' } })).status, 200);
    await eventually(
      `the correction on ${cluster}`,
      async () => ((await kube(cluster, 'GET')).body.data?.colour === 'blue' ? true : undefined),
      PATIENCE_MS,
      signal,
    );
    assert.equal(sim.cluster(cluster).requests.get('delete') ?? 0, 0);
  }
}

/** As at first; whatever was held is not any more. */
async function restore(): Promise<void> {
  await line.clone.git('checkout', '--quiet', first, '--', '.');
  await line.clone.commit('As it was');
  await eventually(
    'nothing held',
    async (limit) => ((await approvals(limit)).length === 0 ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  await current();
}

const flotilla = (...argv: string[]) => run(line.hubUrl, argv);

test('a label value that goes from 11 % of the clusters removes nothing', async () => {
  for (const name of ALIVE) await line.clone.write(`clusters/${name}.yaml`, entry(name, 'env: prod'));
  await line.clone.commit('Take the tier away from two of eighteen');
  const { reason, clusterCount, commit } = await held('web');
  assert.match(
    reason,
    /^2 of 18 assignments would be removed: the placement no longer selects these clusters; more than 10%/,
  );
  assert.deepEqual([clusterCount, commit.path], [2, 'placements/web.yaml']);
  const states = await assignmentsOf(line.graphql, { placements: ['web'], clusters: ALIVE }, signal);
  assert.deepEqual(
    states.map(({ status }) => status.sync),
    ['AWAITING_APPROVAL', 'AWAITING_APPROVAL'],
  );
  assert.match(states[0]!.status.reason!, /held until removal r[0-9a-f]{15} is approved: 2 of 18/);
  const { stdout, code } = await flotilla('status', '--exit-code');
  assert.ok(stdout.includes(`to approve, commit ${commit.item} to spec.approvals in placements/web.yaml`));
  assert.equal(code, 1);
  await unharmed();
  await restore();
});

test('an agent that is started anew keeps and enforces what is held', async () => {
  await line.clone.remove('placements/web.yaml');
  await line.clone.commit('Delete web');
  await held('web');
  const agent = line.agents.get('c00')!;
  await agent.kill9();
  await kube('c00', 'PATCH', PATH, { data: { colour: 'red' } });
  await agent.start();
  await unharmed();
  await line.hub.kill9();
  await line.hub.start();
  await held('web', /^18 of 18 assignments would be removed: the placement is gone in Git; more than 10%/);
  await restore();
});

test('a repository without documents, with flotilla.yaml alone, or with nothing at all removes nothing', async () => {
  for (const folder of ['clusters', 'placements', 'apps']) await line.clone.remove(folder);
  const alone = await line.clone.commit('flotilla.yaml alone');
  await eventually(
    'it indexed',
    async (limit) => {
      const { fleet } = await ask<{ fleet: { head: { oid: string } } }>(
        line.graphql,
        '{ fleet { head { oid } } }',
        {},
        limit,
      );
      return fleet.head.oid === alone ? true : undefined;
    },
    PATIENCE_MS,
    signal,
  );
  await line.clone.remove('flotilla.yaml');
  await line.clone.commit('Nothing at all');
  assert.match((await problem('fleet-missing')).message, /flotilla\.yaml is missing/);
  for (const cluster of ALIVE) {
    assert.equal((await kube(cluster, 'GET')).status, 200);
    assert.equal(sim.cluster(cluster).requests.get('delete') ?? 0, 0);
  }
  await restore();
  await unharmed();
});

test('a branch that is rewritten to an unrelated history removes nothing, and the hub is not ready until a person looks', async () => {
  const before = await line.clone.head();
  await line.clone.git('checkout', '--quiet', '--orphan', 'unrelated');
  for (const path of ['placements/web.yaml', 'clusters', 'apps/web']) await line.clone.remove(path);
  await line.clone.git('add', '--all');
  await line.clone.git('commit', '--quiet', '-m', 'Unrelated');
  await line.clone.pushRef('refs/heads/main');
  const { message } = await problem('history-rewritten');
  assert.match(message, /was rewritten: its tip [0-9a-f]{40} does not descend from/);
  await eventually(
    'the hub not ready for that reason',
    async (limit) => {
      const ready = await fetch(`${line.hubUrl}/readyz`, { signal: limit });
      const { reasons } = (await ready.json()) as { reasons: string[] };
      return (ready.status === 503 && reasons.join() === message) || undefined;
    },
    PATIENCE_MS,
    signal,
  );
  const { stdout } = await flotilla('status');
  assert.match(stdout, /✖ failing/);
  assert.match(stdout, /✖ history-rewritten .*nothing advances until it is acknowledged/);
  await unharmed();
  await line.clone.git('checkout', '--quiet', 'main');
  await line.clone.pushRef('refs/heads/main', before);
  await eventually(
    'the hub ready again',
    async (limit) => ((await fetch(`${line.hubUrl}/readyz`, { signal: limit })).ok ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  await current();
});

test('the commit that is named lets exactly what is held go', async () => {
  await line.clone.remove('placements/web.yaml');
  await line.clone.commit('Delete web');
  const { commit } = await held('web');
  assert.equal(commit.path, 'flotilla.yaml');
  const { stdout } = await flotilla('get', 'approvals');
  assert.ok(stdout.includes(`${commit.item} to spec.approvals in flotilla.yaml`));
  const fleet = await line.clone.read('flotilla.yaml');
  await line.clone.write(
    'flotilla.yaml',
    fleet.replace('branch: main,', `branch: main, approvals: [${commit.item}],`),
  );
  await line.clone.commit('Approve it');
  for (const cluster of ALIVE) {
    await eventually(
      `settings gone from ${cluster}`,
      async () => ((await kube(cluster, 'GET')).status === 404 ? true : undefined),
      PATIENCE_MS,
      signal,
    );
    assert.equal((await kube(cluster, 'GET', LEDGER)).status, 200);
  }
  assert.deepEqual(await approvals(), []);
});

test('decommission: prune in an entry is its own approval for everything on that cluster, even the last', async () => {
  const leaving = entry('c01').replace('spec: {', 'spec: { decommission: prune,');
  await line.clone.write('clusters/c01.yaml', leaving);
  await line.clone.commit('Decommission c01');
  await eventually(
    'ledger gone from c01',
    async () => ((await kube('c01', 'GET', LEDGER)).status === 404 ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  assert.equal((await kube('c00', 'GET', LEDGER)).status, 200);
  assert.deepEqual(await approvals(), []);
});
