import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dialNats } from '#hub/bus/connect.ts';
import type { Trust } from '#hub/bus/trust.ts';
import { eventually, PATIENCE_MS, pause } from '../bed/eventually.ts';
import { ask } from '../bed/graphql.ts';
import { randomFrom } from '../bed/random.ts';
import type { Attempt } from '../bed/scripted-agents.ts';
import { fleetFiles, startScriptedFleet } from '../bed/scripted-fleet.ts';

/** Two hubs on one NATS, killed and halted at random moments: only one decides at any time, and nothing is repeated or skipped. */
const ROUNDS = Number(process.env.FLOTILLA_ROUNDS ?? 4);
const random = randomFrom();
const signal = new AbortController().signal;

const RINGS = {
  canary: ['canary-1', 'canary-2'],
  broad: ['broad-1', 'broad-2', 'broad-3', 'broad-4'],
};
const CLUSTERS = Object.values(RINGS).flat();
const ringOf = (name: string) => name.split('-')[0]!;
const STAGES = `
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, maxConcurrent: 1 }
    - { name: broad, selector: {}, maxConcurrent: 1 }
`;

/** What happened on the clusters, in order. */
type Happened = { cluster: string; what: 'begins' | 'ends'; attempt: number; digest: string | null };

test(`two hubs, ${ROUNDS} times halted or killed, decide as one`, async () => {
  const happened: Happened[] = [];
  const play = ({ cluster, attempt, digest }: Attempt) => {
    happened.push({ cluster, what: 'begins', attempt, digest });
    const afterMs = 20 + random() * 200;
    setTimeout(() => happened.push({ cluster, what: 'ends', attempt, digest }), afterMs - 5);
    return [{ afterMs, phase: 'current' as const }];
  };
  await using fleet = await startScriptedFleet({
    name: 'two-hubs',
    rings: RINGS,
    files: fleetFiles('careful', STAGES),
    heartbeatMs: 500,
    play,
  });
  const { agents, nats, trust } = fleet;
  await using documents = await watchDocuments(nats.url, trust);
  const brisk = ['--poll', '200ms', '--heartbeat', '500ms', '--reconnect', '300ms', '--lease', '2s'];
  const hubs = [await fleet.hub('hub-0', ...brisk), await fleet.hub('hub-1', ...brisk)];
  for (const hub of hubs) await hub.start();
  const leaderSaidBy = async (at: number, limit: AbortSignal) =>
    (
      await ask<{ fleet: { leader: string | null } }>(
        `${hubs[at]!.url}/graphql`,
        '{ fleet { leader } }',
        {},
        limit,
      )
    ).fleet.leader;

  const newest = (cluster: string) => agents.attempts(cluster).at(-1)?.digest ?? undefined;
  const everywhere = (what: string, not: string | undefined) =>
    eventually(
      what,
      async () => {
        const digest = newest('canary-1');
        const ended = (name: string) =>
          happened.some((one) => one.cluster === name && one.what === 'ends' && one.digest === digest);
        return digest !== undefined && digest !== not && CLUSTERS.every(ended) ? digest : undefined;
      },
      PATIENCE_MS,
      signal,
      () =>
        `${CLUSTERS.map((name) => `${name} ${newest(name)}`).join(', ')}\n${hubs.map(({ spec }) => tail(spec.logFile)).join('\n')}`,
    );

  let last = await everywhere('the first version', undefined);
  for (let round = 1; round <= ROUNDS; round++) {
    await fleet.ship(`v${round}`);
    await pause(random() * 1_500, signal);
    const leader = await eventually(
      'a leader',
      async (limit) => {
        const said = await leaderSaidBy(0, limit);
        return said === null ? undefined : Number(said.slice(-1));
      },
      PATIENCE_MS,
      signal,
    );
    const victim = hubs[random() < 0.8 ? leader : 1 - leader]!;
    if (round % 2 === 0) {
      await victim.kill9();
      await pause(random() * 1_000, signal);
      await victim.start();
    } else {
      process.kill(victim.pid!, 'SIGSTOP');
      await pause(1_000 + random() * 3_000, signal);
      process.kill(victim.pid!, 'SIGCONT');
    }
    last = await everywhere(`round ${round}`, last);
  }

  for (const name of CLUSTERS) {
    const told = agents.attempts(name).map(({ digest }) => digest);
    assert.equal(new Set(told).size, told.length, `${name} was told something twice: ${told.join(', ')}`);
    assert.equal(told.length, ROUNDS + 1, `${name} missed something`);
  }
  judgeOrder(happened);
  assert.deepEqual(documents.found, []);
  // Whoever has just lost the lease knows of nobody until it has looked again.
  await eventually(
    'one leader that both hubs name',
    async (limit) => {
      const [one, other] = await Promise.all([0, 1].map((at) => leaderSaidBy(at, limit)));
      return one !== null && one === other ? one : undefined;
    },
    PATIENCE_MS,
    signal,
  );
});

/** One at a time in each stage, and broad only after both canaries. */
function judgeOrder(happened: readonly Happened[]): void {
  const busy = new Map<string, Set<string>>();
  const done = new Map<string | null, Set<string>>();
  for (const { cluster, what, digest } of happened) {
    const ring = ringOf(cluster);
    const at = busy.get(ring) ?? new Set();
    busy.set(ring, at);
    if (what === 'ends') {
      at.delete(cluster);
      done.set(digest, (done.get(digest) ?? new Set()).add(cluster));
      continue;
    }
    at.add(cluster);
    assert.ok(at.size === 1, `${[...at].join(' and ')} at once`);
    if (ring !== 'broad') continue;
    for (const canary of RINGS.canary)
      assert.ok(done.get(digest)?.has(canary), `${cluster} begins before ${canary}`);
  }
}

/** Documents as they were stored, and told again: an epoch of a cluster never has two contents. */
async function watchDocuments(
  url: string,
  trust: Trust,
): Promise<AsyncDisposable & { readonly found: string[] }> {
  const connection = await dialNats({ servers: [url], trust, reconnectMs: 300 }, () => undefined, signal);
  const seen = new Map<string, string>();
  const found: string[] = [];
  connection!.subscribe('down.*.desired', {
    callback: (_, { subject, data }) => {
      const { payload } = JSON.parse(Buffer.from(data).toString('utf8')) as { payload: string };
      const key = `${subject}@${(JSON.parse(payload) as { epoch: number }).epoch}`;
      if (seen.has(key) && seen.get(key) !== payload) found.push(key);
      seen.set(key, payload);
    },
  });
  await connection!.flush();
  return { found, [Symbol.asyncDispose]: () => connection!.close() };
}

const tail = (file: string) => readFileSync(file, 'utf8').split('\n').slice(-6).join('\n');
