import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Tokens } from '#hub/access/tokens.ts';
import { idOf } from '#hub/api/ids.ts';
import { AuditLog } from '#hub/bus/audit-log.ts';
import { dialNats } from '#hub/bus/connect.ts';
import { current, outOfOrder, told } from '../bed/bus-judge.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { ask } from '../bed/graphql.ts';
import type { Attempt } from '../bed/scripted-agents.ts';
import {
  API,
  fleetFiles,
  type ScriptedFleet,
  startScriptedFleet,
  strategyOf,
} from '../bed/scripted-fleet.ts';

/**
 * A hub that dies at every point that it marks while changes travel three stages, past a webhook and an approval, and one is taken back.
 * Each death is at the nth time that the point is passed since the one before; what goes on meanwhile is whatever was under way.
 */
const DEATHS: Readonly<Record<string, readonly number[]>> = {
  indexed: [1, 2],
  'state-read': [1],
  'audit-stored': [1, 3, 6],
  'state-saved': [1, 2, 4, 7],
  'webhooks-wanted': [1, 3],
  'webhook-answered': [1],
  'results-stored': [1],
  published: [1, 2, 5],
};
/** Dealt out in turn, so that deaths of every kind meet changes of every kind. */
const points = Array.from({ length: 4 }, (_, round) =>
  Object.entries(DEATHS).flatMap(([name, times]) => (times[round] ? [`${name}:${times[round]}`] : [])),
).flat();
const MOST_TURNS = 30;
const RINGS = {
  canary: ['canary-1', 'canary-2'],
  early: ['early-1', 'early-2'],
  broad: ['broad-1', 'broad-2', 'broad-3'],
};
const CLUSTERS = Object.values(RINGS).flat();
const signal = new AbortController().signal;

/** The deadline is what ends a bad change; with one that is as short, a good change on a busy machine would end as well. */
const strategy = (url: string, progressDeadline: string) => `
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ webhook: { url: "${url}", secret: ci } }] }
    - name: early
      selector: { matchLabels: { ring: early } }
      before: [{ approval: { groups: [ops] } }]
    - { name: broad, selector: {}, maxConcurrent: 1 }
  failure: { action: rollback }
  progressDeadline: ${progressDeadline}
`;
const ACCESS = `${API}\nkind: Access\nmetadata: { name: people }\nspec: { rules: [{ groups: [ops], permissions: [approve] }] }\n`;

/** Says yes, and keeps which requests it was asked. */
async function startHook() {
  const asked = new Set<string>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    asked.add((JSON.parse(body) as { id: string }).id);
    response.end('{"answer":"yes"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Runs a hub that dies at one point after the other, and then one that does not die. */
class Mortal {
  readonly url: string;
  readonly #hub: Awaited<ReturnType<ScriptedFleet['hub']>>;
  readonly #file: string;
  #left = [...points];
  #failure: unknown;

  constructor(hub: Awaited<ReturnType<ScriptedFleet['hub']>>, dir: string) {
    this.url = hub.url;
    this.#hub = hub;
    this.#file = join(dir, 'markers');
    // It may be gone before it can be asked anything.
    hub.spec.ready = async () => true;
  }

  get left(): readonly string[] {
    if (this.#failure) throw this.#failure;
    return this.#left;
  }

  /** Resolves when the hub that does not die runs; `left` throws what went wrong. */
  async run(): Promise<void> {
    try {
      for (const point of points) {
        await this.#hub.start(signal, {
          FLOTILLA_TEST_MARKERS: this.#file,
          FLOTILLA_TEST_STOP_AT: point,
        });
        const ended = await this.#hub.ended;
        const passed = readFileSync(this.#file, 'utf8').trim().split('\n');
        assert.deepEqual([ended?.signal, passed.at(-1)], ['SIGKILL', point.split(':')[0]], point);
        this.#left = this.#left.slice(1);
      }
      await this.#hub.start();
    } catch (error) {
      this.#failure = error;
    }
  }
}

type Shipped = {
  readonly revision: string;
  readonly digest: string;
  readonly isGood: boolean;
  /** How much was on the bus when it was committed, and when somebody began to approve it. */
  readonly since: number;
  readonly approvedAt: number;
};

test(`killed at each of ${points.length} points, the hub goes on as if it had not been`, async (t) => {
  await using hook = await startHook();
  const shipped: Shipped[] = [];
  // Set before it is committed: the hub may be quicker than whoever learns what the commit is called.
  let isBadNext = false;
  const play = ({ revision, cluster }: Attempt) =>
    isBadNext && cluster === 'canary-2' && !shipped.some((one) => one.revision === revision)
      ? [{ afterMs: 20, phase: 'failed' as const, message: 'ImagePullBackOff' }]
      : [{ afterMs: 20, phase: 'current' as const }];
  await using fleet = await startScriptedFleet({
    name: 'hub-killed-at',
    rings: RINGS,
    files: { ...fleetFiles('gated', strategy(hook.url, '10m')), 'access/people.yaml': ACCESS },
    heartbeatMs: 300,
    play,
  });
  const { agents, spy, clone } = fleet;
  const secrets = join(fleet.dir, 'secrets');
  mkdirSync(secrets);
  writeFileSync(join(secrets, 'ci'), 'what the hub and the hook know');
  const token = new Tokens(fleet.data).create({ name: 'alice', groups: ['ops'], emails: [] }, Date.now());
  const flags = ['--poll', '50ms', '--heartbeat', '300ms', '--reconnect', '100ms', '--lease', '1s'];
  const gate = ['--webhook-secrets', secrets, '--webhook-allow', '127.0.0.1'];
  const hub = new Mortal(await fleet.hub('hub', ...flags, ...gate), fleet.dir);
  const running = hub.run();

  /** Approves as often as it takes: an order to a hub that dies may be lost, and then is waited for again. */
  const approve = async (revision: string) => {
    const graphql = `${hub.url}/graphql`;
    const query = `query($filter: RolloutFilter) { rollouts(filter: $filter, first: 1) { nodes { phase } } }`;
    type Answer = { rollouts: { nodes: { phase: string }[] } };
    await eventually(
      `the approval of ${revision}`,
      async (limit) => {
        if (agents.attempts('early-1').some((one) => one.revision === revision)) return true;
        assert.ok(hub.left);
        const filter = { placement: 'shop', revision };
        const { rollouts } = await ask<Answer>(graphql, query, { filter }, limit);
        if (rollouts.nodes[0]?.phase !== 'AWAITING_APPROVAL') return undefined;
        const input = { changeId: idOf('Change', revision), stage: 'early', approve: true, reason: 'ok' };
        const mutation = `mutation($input: DecisionInput!) { decideApproval(input: $input) { errors { ... on UserError { message } } } }`;
        await ask(graphql, mutation, { input }, limit, token);
        return undefined;
      },
      PATIENCE_MS,
      signal,
    );
  };
  const until = (what: string, holds: () => boolean, describe?: () => string) =>
    eventually(what, async () => hub.left && (holds() || undefined), PATIENCE_MS, signal, describe);
  const digestOf = (cluster: string) => agents.attempts(cluster).at(-1)?.digest ?? '';
  /** Follows a commit to its end: on every cluster, or, where it is bad, back on the canaries. */
  const follow = async (revision: string, isGood: boolean, since: number) => {
    const isTold = () => agents.attempts('canary-1').at(-1)?.revision === revision;
    await until(`${revision} at the canaries`, isTold);
    const digest = digestOf('canary-1');
    let approvedAt = 0;
    if (isGood) {
      await until('the canaries', () => {
        const there = new Set(current(spy.heard.slice(since), digest));
        return RINGS.canary.every((name) => there.has(name));
      });
      approvedAt = spy.heard.length;
      await approve(revision);
      const last = () => new Set(current(spy.heard.slice(since), digest));
      await until(
        `${revision} everywhere`,
        () => CLUSTERS.every((name) => last().has(name)),
        () => [...last()].join(', '),
      );
    } else {
      const before = shipped.at(-1)!.digest;
      const isBack = () =>
        RINGS.canary.every(
          (name) => current(spy.heard.slice(since), before).includes(name) && digestOf(name) === before,
        );
      await until(
        `${revision} taken back`,
        () => told(spy.heard.slice(since), digest).length > 0 && isBack(),
      );
    }
    shipped.push({ revision, digest, isGood, since, approvedAt });
  };

  await follow(await clone.head(), true, 0);
  for (let turn = 1; hub.left.length > 0 || turn < 4; turn++) {
    assert.ok(turn < MOST_TURNS, `nobody comes to ${hub.left.join(', ')}`);
    const isGood = turn % 3 !== 2;
    const since = spy.heard.length;
    const text = strategyOf('gated', strategy(hook.url, isGood ? '10m' : '2s'));
    isBadNext = !isGood;
    const revision = await fleet.ship(`v${turn}`, { 'rollouts/gated.yaml': text });
    await follow(revision, isGood, since);
  }
  await running;
  t.diagnostic(`${shipped.length} changes, ${points.length} deaths`);

  // ---- as if the hub had never died
  for (const [at, { digest, isGood, since, approvedAt }] of shipped.entries()) {
    const heard = spy.heard.slice(since, shipped[at + 1]?.since);
    const whom = isGood ? CLUSTERS : RINGS.canary;
    assert.deepEqual(told(heard, digest).sort(), [...whom].sort(), 'each is told once');
    assert.deepEqual(outOfOrder(heard, digest, RINGS), []);
    const early = heard.findIndex((one) => one.cluster.startsWith('early') && one.what === 'told');
    if (isGood) assert.ok(since + early >= approvedAt, 'not before it was approved');
    else assert.deepEqual(told(heard, shipped[at - 1]!.digest).sort(), RINGS.canary, 'each goes back once');
  }
  const good = shipped.filter(({ isGood }) => isGood);
  const asked = [...hook.asked].map((id) => good.findIndex(({ revision }) => id.includes(revision)));
  assert.deepEqual(
    asked.sort((one, other) => one - other),
    [...good.keys()],
    'one question for each change',
  );
  await judgeTrail(fleet, shipped);
});

/** What happened once is told once, and every attempt has one end. */
async function judgeTrail({ nats, trust }: ScriptedFleet, shipped: readonly Shipped[]): Promise<void> {
  const options = { servers: [nats.url], trust, reconnectMs: 300 };
  const connection = (await dialNats(options, () => undefined, signal))!;
  try {
    const log = new AuditLog(jetstream(connection), await jetstreamManager(connection, { checkAPI: false }));
    const trail = async () => {
      const { rows } = await log.audit({ first: 5_000 }, signal);
      const rollouts = rows.filter(({ kind }) => kind === 'rollout');
      const lines = rollouts.map(({ action, stage, gate, revision }) =>
        [action, stage, gate, revision].join(' '),
      );
      return { rows, lines };
    };
    const passedBy = (lines: readonly string[], revision: string) =>
      lines.filter((line) => line.startsWith('stagePassed') && line.endsWith(revision));
    const last = shipped.findLast(({ isGood }) => isGood)!;
    // Agents say that they are current before the hub can say that the stage has passed.
    const { rows, lines } = await eventually(
      'the end of the last change in the trail',
      async () => {
        const read = await trail();
        return passedBy(read.lines, last.revision).length >= 3 ? read : undefined;
      },
      PATIENCE_MS,
      signal,
    );
    assert.deepEqual(twice(lines), []);
    const orders = rows.filter(({ kind, result }) => kind === 'operation' && result === 'done');
    const approved = orders.map(({ revision }) => revision);
    assert.deepEqual(twice(approved), []);
    for (const { revision, isGood } of shipped) {
      const passed = passedBy(lines, revision);
      assert.equal(passed.length, isGood ? 3 : 0, passed.join(', '));
      const back = lines.filter((line) => line.startsWith('rollbackStarted') && line.endsWith(revision));
      assert.equal(back.length, isGood ? 0 : 1);
    }
    for (const cluster of CLUSTERS) {
      const attempts = (await log.history(cluster, 'shop', signal)).map(({ attempt }) => attempt);
      assert.deepEqual(twice(attempts), [], cluster);
    }
  } finally {
    await connection.close();
  }
}

const twice = <T>(all: readonly T[]): T[] => all.filter((one, at) => all.indexOf(one) !== at);
