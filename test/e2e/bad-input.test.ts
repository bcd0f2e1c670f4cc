import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createNkey } from '#proto/nkey.ts';
import { type Sim, startSim } from '#sim/server.ts';
import { spawnOwned } from '#tools/owned.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { startGitServer } from '../bed/git-server.ts';
import { ask } from '../bed/graphql.ts';
import { Line } from '../bed/line.ts';
import { freePort } from '../bed/ports.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import { BASE_FILES, entry, kustomization, SETTINGS, WEB, writeFiles } from './fleet.ts';

/** Everything a person can get wrong, on a running line: a clear message, and no harm to the rest. */
const signal = new AbortController().signal;
const keys = { good: createNkey('user'), other: createNkey('user') };

let scratch: Scratch;
let sim: Sim;
let line: Line;

before(async () => {
  scratch = await makeScratch('bad-input');
  sim = await startSim({ clusters: ['good', 'other'] });
  const members = (['good', 'other'] as const).map((name) => {
    const kubeconfig = join(scratch.dir, `${name}.yaml`);
    writeFileSync(kubeconfig, sim.kubeconfig(name), { mode: 0o600 });
    return { name, key: keys[name], kubeconfig };
  });
  const repository = join(scratch.dir, 'repository');
  writeFiles(repository, {
    ...BASE_FILES,
    'clusters/good.yaml': entry('good', 'prod', keys.good),
    'clusters/other.yaml': entry('other', 'staging', keys.other),
  });
  line = await Line.start({ dir: join(scratch.dir, 'line'), repository, members });
  await settled('good');
  await settled('other');
});

after(async () => {
  await line?.[Symbol.asyncDispose]();
  await sim?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

type State = {
  placement: { name: string };
  applied: { digest: string } | null;
  desired: { digest: string } | null;
  status: { sync: string; health: string; reason: string | null };
};
type Problem = { code: string; message: string; source: { path: string; line: number | null } | null };

async function states(cluster: string, limit: AbortSignal): Promise<State[]> {
  const query = `query($name: String!) { cluster(name: $name) { assignments(first: 50) { nodes {
    placement { name } applied { digest } desired { digest } status { sync health reason } } } } }`;
  const found = await ask<{ cluster: { assignments: { nodes: State[] } } | null }>(
    line.graphql,
    query,
    { name: cluster },
    limit,
  );
  return found.cluster?.assignments.nodes ?? [];
}

async function settled(cluster: string): Promise<void> {
  let last: State[] = [];
  await eventually(
    `${cluster} settled`,
    async (limit) => {
      last = await states(cluster, limit);
      const there = last.every(
        ({ applied, desired, status }) =>
          applied?.digest === desired?.digest && status.sync === 'SYNCED' && status.health === 'CURRENT',
      );
      return last.length === 2 && there ? true : undefined;
    },
    PATIENCE_MS,
    signal,
    () => JSON.stringify(last),
  );
}

async function problem(matching: (one: Problem) => boolean): Promise<Problem> {
  let last: Problem[] = [];
  return eventually(
    'the problem in GraphQL',
    async (limit) => {
      const query = '{ fleet { problems(first: 100) { nodes { code message source { path line } } } } }';
      last = (await ask<{ fleet: { problems: { nodes: Problem[] } } }>(line.graphql, query, {}, limit)).fleet
        .problems.nodes;
      return last.find(matching);
    },
    PATIENCE_MS,
    signal,
    () => JSON.stringify(last),
  );
}

const noProblems = () =>
  eventually(
    'no problems left',
    async (limit) => {
      const query = '{ fleet { problems(first: 10) { totalCount } } }';
      const { fleet } = await ask<{ fleet: { problems: { totalCount: number } } }>(
        line.graphql,
        query,
        {},
        limit,
      );
      return fleet.problems.totalCount === 0 ? true : undefined;
    },
    PATIENCE_MS,
    signal,
  );

async function settings(cluster: string): Promise<Record<string, string> | undefined> {
  const response = await fetch(`${sim.serverUrl(cluster)}/api/v1/namespaces/web/configmaps/settings`, {
    headers: { authorization: `Bearer ${sim.token(cluster)}` },
  });
  return response.ok ? ((await response.json()) as { data: Record<string, string> }).data : undefined;
}

/** A second change in the same commit: what is not wrong must arrive all the same. */
let round = 0;
async function alsoPaint(): Promise<string> {
  const colour = `colour-${++round}`;
  await line.clone.write('apps/web/settings.yaml', SETTINGS.replace('blue', colour));
  return colour;
}
const painted = (cluster: string, colour: string) =>
  eventually(
    `${cluster} painted ${colour}`,
    async () => ((await settings(cluster))?.colour === colour ? true : undefined),
    PATIENCE_MS,
    signal,
  );

/** Takes a commit back and waits until both clusters have what was first committed. */
async function takeBack(commit: string): Promise<void> {
  await line.clone.revert(commit);
  await noProblems();
  for (const cluster of ['good', 'other']) {
    await painted(cluster, 'blue');
    await settled(cluster);
  }
}

for (const [title, write, code, says] of [
  [
    'broken YAML in one cluster file',
    { 'clusters/other.yaml': 'kind: [Cluster\n' },
    'document-syntax',
    /clusters\/other\.yaml:\d+:\d+/,
  ],
  [
    'an unknown key',
    { 'clusters/other.yaml': entry('other', 'staging', keys.other, '  suspnd: true\n') },
    'document-invalid',
    /did you mean suspend/,
  ],
] as const) {
  test(`${title}: located, the other cluster goes on, this one keeps what it has`, async () => {
    const before = await settings('other');
    for (const [path, text] of Object.entries(write)) await line.clone.write(path, text);
    const colour = await alsoPaint();
    const commit = await line.clone.commit(title);
    const found = await problem((one) => one.code === code);
    assert.match(found.message, says);
    assert.equal(found.source?.path, 'clusters/other.yaml');
    await painted('good', colour);
    assert.deepEqual(await settings('other'), before);
    await takeBack(commit);
  });
}

for (const [title, write, code, says] of [
  [
    'an overlay directory that is missing',
    { 'placements/web.yaml': WEB.replace('path: apps/web', 'path: apps/wbe') },
    'overlay-missing',
    /apps\/wbe/,
  ],
  [
    'a resource that is missing',
    { 'apps/web/kustomization.yaml': kustomization('deployment.yaml', 'nothing.yaml') },
    'closure-missing-file',
    /nothing\.yaml/,
  ],
  [
    'an overlay that does not render',
    {
      'apps/web/kustomization.yaml': `${kustomization('deployment.yaml', 'settings.yaml')}namePrefix: [1]\n`,
    },
    'render-failed',
    /apps\/web/,
  ],
  ['an empty render', { 'apps/web/kustomization.yaml': kustomization() }, 'render-empty', /apps\/web/],
] as const) {
  test(`${title}: told by name, and nothing in the cluster is touched`, async () => {
    const before = await settings('good');
    for (const [path, text] of Object.entries(write)) await line.clone.write(path, text);
    const commit = await line.clone.commit(title);
    const found = await problem((one) => one.code === code);
    assert.match(found.message, says);
    assert.deepEqual(await settings('good'), before);
    await takeBack(commit);
  });
}

test('a manifest that the API server refuses: the object and its reason are named, the others are applied', async () => {
  await line.clone.write(
    'apps/web/wrong.yaml',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: wrong }\nspec: { nobody: knows }\n',
  );
  await line.clone.write(
    'apps/web/kustomization.yaml',
    kustomization('deployment.yaml', 'settings.yaml', 'extra.yaml', 'wrong.yaml'),
  );
  const colour = await alsoPaint();
  const commit = await line.clone.commit('A ConfigMap with a spec');
  const found = await problem((one) => one.code === 'kube-rejected');
  assert.match(found.message, /ConfigMap\/web\/wrong[\s\S]*\.spec: field not declared in schema/);
  assert.equal(found.source?.path, 'apps/web/wrong.yaml');
  await painted('good', colour);
  await takeBack(commit);
});

test('credentials that the Git server begins to refuse: said in words, nothing is removed, and it recovers', async () => {
  const before = await settings('good');
  const git = async () => {
    const { fleet } = await ask<{ fleet: { git: { ok: boolean; message: string | null } } }>(
      line.graphql,
      '{ fleet { git { ok message } } }',
      {},
      signal,
    );
    return fleet.git;
  };
  await line.git.kill9();
  const refusing = await startGitServer({
    dir: join(scratch.dir, 'line/git'),
    port: line.git.port,
    auth: { user: 'somebody', password: 'else' },
  });
  try {
    await eventually(
      'the refusal in GraphQL',
      async () => (/credentials are asked for/.test((await git()).message ?? '') ? true : undefined),
      PATIENCE_MS,
      signal,
    );
  } finally {
    await refusing.stop();
  }
  await line.git.start();
  await eventually(
    'Git reachable again',
    async () => ((await git()).ok ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  assert.deepEqual(await settings('good'), before);
});

const HUB = join(import.meta.dirname, '../../hub/main.ts');
const hubFlags = (git: string, nats: string, listen: string) => [
  'run',
  '--git',
  git,
  '--nats',
  nats,
  '--data',
  join(line.dir, 'hub'),
  '--listen',
  listen,
];

test('a port in use ends the hub with a message that names it', async () => {
  const taken = new URL(line.hubUrl).host;
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [HUB, ...hubFlags(line.git.repositoryUrl('fleet'), line.nats.url, taken)],
    { encoding: 'utf8', timeout: PATIENCE_MS },
  );
  assert.notEqual(status, 0);
  assert.match(stderr + stdout, new RegExp(`${taken.split(':')[1]}.*(in use|taken)`));
});

for (const [title, git, nats, says] of [
  ['a wrong Git URL', 'missing', 'up', /git-repository-not-found|no such repository|not found/],
  ['NATS down at the start', 'fleet', 'down', /nats/i],
] as const) {
  test(`${title}: the hub stays up, is not ready, and says why`, async () => {
    const port = await freePort();
    const natsUrl = nats === 'up' ? line.nats.url : `nats://127.0.0.1:${await freePort()}`;
    const hub = spawnOwned(process.execPath, [
      HUB,
      ...hubFlags(line.git.repositoryUrl(git), natsUrl, `127.0.0.1:${port}`),
      '--poll',
      '200ms',
    ]);
    try {
      const body = await eventually(
        'readyz red with the reason',
        async (limit) => {
          const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: limit });
          const text = await response.text();
          return response.status === 503 && says.test(text) ? text : undefined;
        },
        PATIENCE_MS,
        signal,
      );
      assert.match(body, says);
      assert.ok((await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
    } finally {
      await hub.stop();
    }
  });
}

test('a configuration that is wrong names the flag and exits 78', () => {
  for (const [program, args, says] of [
    [HUB, ['run', '--git', 'not a url', '--nats', line.nats.url, '--data', line.dir], /--git/],
    [join(import.meta.dirname, '../../agent/main.ts'), ['--cluster', 'Not_A_Name'], /--cluster/],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
      encoding: 'utf8',
      timeout: PATIENCE_MS,
    });
    assert.equal(status, 78, stderr);
    assert.match(stderr, says);
  }
});

test('no secret of hub or agents is in any log', async () => {
  const logs = await Promise.all(
    ['hub', 'agent-good', 'agent-other'].map((name) => readFile(join(line.dir, `logs/${name}.log`), 'utf8')),
  );
  const secrets = [keys.good.seed, keys.other.seed, sim.token('good'), ...(await hubSeeds())];
  assert.ok(secrets.length >= 8);
  for (const secret of secrets) for (const log of logs) assert.ok(!log.includes(secret));
});

async function hubSeeds(): Promise<string[]> {
  const names = ['operator', 'account', 'system', 'agents', 'hubUser', 'hub'];
  return Promise.all(
    names.map(async (name) => (await readFile(join(line.dir, 'hub/keys', `${name}.seed`), 'utf8')).trim()),
  );
}
