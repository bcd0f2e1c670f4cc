import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNkey, type Nkey } from '#proto/nkey.ts';
import { BusSpy, type Heard } from '../bed/bus-spy.ts';
import { eventually, pause } from '../bed/eventually.ts';
import { WorkingClone } from '../bed/git-repository.ts';
import { startGitServer } from '../bed/git-server.ts';
import { freePort } from '../bed/ports.ts';
import { makeScratch } from '../bed/scratch.ts';
import { type Attempt, type Script, ScriptedAgents } from '../bed/scripted-agents.ts';
import { Service } from '../bed/service.ts';
import { startTrustedNats } from '../integration/hub-nats.ts';
import { writeFiles } from './fleet.ts';

/** The hub dies again and again while changes travel through sixty clusters. What went over the bus tells whether anything was repeated. */
const KILLS = Number(process.env.FLOTILLA_KILLS ?? 20);
const PATIENCE_MS = 300_000;
const HUB = join(import.meta.dirname, '../../hub/main.ts');
const API = 'apiVersion: flotilla.dev/v1alpha1';
const signal = new AbortController().signal;

const RINGS = { canary: 4, early: 12, broad: 44 };
const STAGES = Object.keys(RINGS);
const ringOf: ReadonlyMap<string, string> = new Map(
  Object.entries(RINGS).flatMap(([ring, count]) =>
    Array.from({ length: count }, (_, index) => [`${ring}-${index + 1}`, ring] as const),
  ),
);
const CLUSTERS = [...ringOf.keys()];
const FILES = {
  'flotilla.yaml': `${API}\nkind: Fleet\nmetadata: { name: sixty }\nspec: { branch: main }\n`,
  'placements/shop.yaml': `${API}\nkind: Placement\nmetadata: { name: shop }\nspec: { selector: {}, path: apps/shop, strategy: undo }\n`,
  'rollouts/undo.yaml': `${API}
kind: RolloutStrategy
metadata: { name: undo }
spec:
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ soak: 500ms }] }
    - { name: early, selector: { matchLabels: { ring: early } }, maxConcurrent: 4 }
    - { name: broad, selector: {}, maxConcurrent: 25% }
  failure: { action: rollback }
  progressDeadline: 4s
`,
};
const entry = (name: string, ring: string, { publicKey }: Nkey) =>
  `${API}\nkind: Cluster\nmetadata: { name: ${name}, labels: { ring: ${ring} } }\nspec: { agent: { publicKeys: [${publicKey}] } }\n`;
const overlay = (prefix: string) => `namePrefix: ${prefix}-\n`;

test(`${KILLS} times killed, the hub repeats nothing, skips nothing, and takes a bad change back`, async (t) => {
  await using scratch = await makeScratch('hub-killed');
  const { dir } = scratch;
  const { nats, trust, data } = await startTrustedNats(dir);
  await using _nats = nats;
  await using git = await startGitServer({ dir: join(dir, 'git') });
  const keys = new Map(CLUSTERS.map((name) => [name, createNkey('user')] as const));
  const entries = CLUSTERS.map((name) => [
    `clusters/${name}.yaml`,
    entry(name, ringOf.get(name)!, keys.get(name)!),
  ]);
  const repository = join(dir, 'repository');
  writeFiles(repository, {
    ...FILES,
    ...Object.fromEntries(entries),
    'apps/shop/kustomization.yaml': overlay('v0'),
  });
  const { url } = await git.createRepository('fleet', { from: repository });
  const clone = await WorkingClone.clone(url, join(dir, 'clone'));
  const port = await freePort();
  await using hub = new Service({
    name: 'hub',
    command: process.execPath,
    args: [
      ...[HUB, 'run', '--git', url, '--nats', nats.url, '--data', data, '--listen', `127.0.0.1:${port}`],
      ...['--poll', '100ms', '--heartbeat', '300ms', '--reconnect', '200ms'],
    ],
    logFile: join(dir, 'hub.log'),
    ready: async (limit) => (await fetch(`http://127.0.0.1:${port}/healthz`, { signal: limit })).ok,
  });
  /** Digest that one cluster of the last ring cannot bear. */
  let bad: string | undefined;
  const play = ({ cluster, digest }: Attempt): Script =>
    digest !== null && digest === bad && cluster === 'broad-9'
      ? [{ afterMs: 100, phase: 'failed', message: 'ImagePullBackOff' }]
      : [{ afterMs: 50 + Math.random() * 400, phase: 'current' }];
  await using agents = await ScriptedAgents.start({ natsUrl: nats.url, trust, keys, heartbeatMs: 300, play });
  await using spy = await BusSpy.open(nats.url, data, signal);
  await hub.start();

  const digestOf = (cluster: string) => agents.attempts(cluster).at(-1)?.digest ?? undefined;
  const said = (digest: string) => new Set(current(spy.heard, digest));
  const done = async (what: string, digest: () => string | undefined) =>
    eventually(
      what,
      async () => {
        const wanted = digest();
        return wanted !== undefined && CLUSTERS.every((name) => said(wanted).has(name)) ? wanted : undefined;
      },
      PATIENCE_MS,
      signal,
      () => `${digest()}: ${CLUSTERS.filter((name) => !said(digest() ?? '').has(name)).join(', ')}`,
    );
  const first = await done('the first version everywhere', () => digestOf('canary-1'));

  let kills = 0;
  const kill = async () => {
    for (; kills < KILLS; kills++) {
      await pause(200 + Math.random() * 3_000, signal);
      await hub.kill9();
      await hub.start();
    }
  };
  const shipped: { digest: string; since: number }[] = [];
  let last = first;
  const ship = async (turn: number) => {
    const since = spy.heard.length;
    await clone.write('apps/shop/kustomization.yaml', overlay(`v${turn}`));
    await clone.commit(`Turn ${turn}`);
    const before = last;
    last = await done(`turn ${turn} everywhere`, () =>
      digestOf('canary-1') === before ? undefined : digestOf('canary-1'),
    );
    shipped.push({ digest: last, since });
    if (kills < KILLS) await ship(turn + 1);
  };
  await Promise.all([kill(), ship(1)]);
  t.diagnostic(`${shipped.length} changes travelled meanwhile`);
  for (const { digest, since } of shipped) {
    assert.deepEqual(outOfOrder(spy.heard.slice(since), digest), []);
    assert.deepEqual(told(spy.heard.slice(since), digest).sort(), [...CLUSTERS].sort(), 'each is told once');
  }

  // What fails in the last ring goes back everywhere, also when the hub dies on the way there.
  const since = spy.heard.length;
  const good = last;
  await clone.write('apps/shop/kustomization.yaml', overlay('bad'));
  await clone.commit('A bad one');
  bad = await eventually(
    'the canaries to be told',
    async () => (digestOf('canary-1') === good ? undefined : digestOf('canary-1')),
    PATIENCE_MS,
    signal,
  );
  const goingBack = () => told(spy.heard.slice(since), good);
  await eventually(
    'the way back',
    async () => (goingBack().length > 0 ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  await hub.kill9();
  await hub.start();
  const back = () => {
    const went = told(spy.heard.slice(since), bad!);
    return went.length > 0 && went.every((name) => digestOf(name) === good) ? true : undefined;
  };
  await eventually('everybody back', async () => back(), PATIENCE_MS, signal);
  const rings = goingBack().map((name) => ringOf.get(name));
  assert.deepEqual(
    rings.filter((ring, at) => ring !== rings[at - 1]),
    [...STAGES].reverse(),
  );
  assert.equal(new Set(goingBack()).size, goingBack().length, 'each goes back once');
});

const told = (heard: readonly Heard[], digest: string): string[] =>
  heard.flatMap((one) => (one.what === 'told' && one.digest === digest ? [one.cluster] : []));

const current = (heard: readonly Heard[], digest: string): string[] =>
  heard.flatMap((one) => {
    if (one.what !== 'said') return [];
    const { applied, sync, health } = one.status;
    return applied?.digest === digest && sync.state === 'SYNCED' && health.state === 'CURRENT'
      ? [one.cluster]
      : [];
  });

/** Who was told before all of the rings before it had said that they are Current. */
function outOfOrder(heard: readonly Heard[], digest: string): string[] {
  return heard.flatMap((one, at) => {
    if (one.what !== 'told' || one.digest !== digest) return [];
    const ring = STAGES.indexOf(ringOf.get(one.cluster)!);
    const there = new Set(current(heard.slice(0, at), digest));
    return CLUSTERS.some((name) => STAGES.indexOf(ringOf.get(name)!) < ring && !there.has(name))
      ? [one.cluster]
      : [];
  });
}
