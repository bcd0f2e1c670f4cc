import assert from 'node:assert/strict';
import { test } from 'node:test';
import { current, outOfOrder, told, turns } from '../bed/bus-judge.ts';
import { eventually, pause } from '../bed/eventually.ts';
import { randomFrom } from '../bed/random.ts';
import type { Attempt, Script } from '../bed/scripted-agents.ts';
import { fleetFiles, startScriptedFleet, strategyOf } from '../bed/scripted-fleet.ts';

/** The hub dies again and again while changes travel through sixty clusters. What went over the bus tells whether anything was repeated. */
const KILLS = Number(process.env.FLOTILLA_KILLS ?? 20);
const PATIENCE_MS = 300_000;
/** Of a life of the hub, beyond its start; a change takes about as long to travel. */
const LONGEST_LIFE_MS = 2_500;
const random = randomFrom();
const signal = new AbortController().signal;

const SIZES = { canary: 4, early: 12, broad: 44 };
const RINGS = Object.fromEntries(
  Object.entries(SIZES).map(([ring, count]) => [
    ring,
    Array.from({ length: count }, (_, index) => `${ring}-${index + 1}`),
  ]),
);
const CLUSTERS = Object.values(RINGS).flat();
/** The deadline ends what is bad; one that a machine may miss for being busy would end what is good. */
const strategy = (progressDeadline: string) => `
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ soak: 500ms }] }
    - { name: early, selector: { matchLabels: { ring: early } }, maxConcurrent: 4 }
    - { name: broad, selector: {}, maxConcurrent: 25% }
  failure: { action: rollback }
  progressDeadline: ${progressDeadline}
`;

test(`${KILLS} times killed, the hub repeats nothing, skips nothing, and takes a bad change back`, async (t) => {
  /** Digest that one cluster of the last ring cannot bear. */
  let bad: string | undefined;
  const play = ({ cluster, digest }: Attempt): Script =>
    digest !== null && digest === bad && cluster === 'broad-9'
      ? [{ afterMs: 100, phase: 'failed', message: 'ImagePullBackOff' }]
      : [{ afterMs: 50 + random() * 400, phase: 'current' }];
  await using fleet = await startScriptedFleet({
    name: 'hub-killed',
    rings: RINGS,
    files: fleetFiles('undo', strategy('10m')),
    heartbeatMs: 300,
    play,
  });
  const { agents, spy } = fleet;
  const brisk = ['--poll', '100ms', '--heartbeat', '300ms', '--reconnect', '200ms', '--lease', '1s'];
  const hub = await fleet.hub('hub', ...brisk);
  await hub.start();

  const digestOf = (cluster: string) => agents.attempts(cluster).at(-1)?.digest ?? undefined;
  const done = async (what: string, digest: () => string | undefined) => {
    const missing = () => {
      const said = new Set(current(spy.heard, digest() ?? ''));
      return CLUSTERS.filter((name) => !said.has(name));
    };
    return eventually(
      what,
      async () => (missing().length === 0 ? digest() : undefined),
      PATIENCE_MS,
      signal,
      () => `${digest()}: ${missing().join(', ')}`,
    );
  };
  const first = await done('the first version everywhere', () => digestOf('canary-1'));

  let kills = 0;
  const kill = async () => {
    for (; kills < KILLS; kills++) {
      await pause(100 + random() * LONGEST_LIFE_MS, signal);
      await hub.kill9();
      await hub.start();
    }
  };
  const shipped: { digest: string; since: number }[] = [];
  let last = first;
  const ship = async () => {
    for (let turn = 1; turn === 1 || kills < KILLS; turn++) {
      const since = spy.heard.length;
      await fleet.ship(`v${turn}`);
      const before = last;
      last = await done(`turn ${turn} everywhere`, () =>
        digestOf('canary-1') === before ? undefined : digestOf('canary-1'),
      );
      shipped.push({ digest: last, since });
    }
  };
  await Promise.all([kill(), ship()]);
  t.diagnostic(`${shipped.length} changes travelled meanwhile`);
  for (const { digest, since } of shipped) {
    assert.deepEqual(outOfOrder(spy.heard.slice(since), digest, RINGS), []);
    assert.deepEqual(told(spy.heard.slice(since), digest).sort(), [...CLUSTERS].sort(), 'each is told once');
  }

  // What fails in the last ring goes back everywhere, also when the hub dies on the way there.
  const since = spy.heard.length;
  const good = last;
  await fleet.ship('bad', { 'rollouts/undo.yaml': strategyOf('undo', strategy('10s')) });
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
  assert.deepEqual(turns(goingBack(), RINGS), Object.keys(RINGS).reverse());
  assert.equal(new Set(goingBack()).size, goingBack().length, 'each goes back once');
});
