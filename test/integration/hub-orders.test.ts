import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Tokens } from '#hub/access/tokens.ts';
import { type RunningApi, startApi } from '#hub/api/server.ts';
import type { AuditReader } from '#hub/core/audit-reader.ts';
import { auditOf } from '#hub/core/testing/audit.ts';
import { ReadModel } from '#hub/core/view.ts';
import { type FakeAgent, overlay, placement, type Rig, startRig, until } from './hub-rig.ts';

/** People order by tokens over HTTP what a hub on real NATS and real Git carries out, saves, and still knows after a restart. */
const API = 'apiVersion: flotilla.dev/v1alpha1';
const STRATEGY = `${API}
kind: RolloutStrategy
metadata: { name: standard }
spec:
  stages:
    - { name: first, selector: { matchLabels: { ring: east } } }
    - name: rest
      selector: {}
      before: [{ approval: { groups: [oncall], count: 2, notAuthor: true } }]
`;
const ACCESS = `${API}
kind: Access
metadata: { name: people }
spec: { rules: [{ groups: [oncall], permissions: [approve, pause, hold] }] }
`;
const WHO = { alice: ['oncall'], bob: ['oncall'], eve: ['dev'] };

type Order = { errors: { code: string }[]; rollout?: { phase: string } | null; approvals?: unknown[] };
type Served = {
  readonly view: ReadModel;
  readonly audit: AuditReader;
  readonly log: string[];
  order(who: string, call: string, result: string): Promise<Order>;
  status(who: string): Promise<number>;
};

/** A hub with its API; `act` runs while they do. */
async function serving<T>(
  rig: Rig,
  tokens: Map<string, string>,
  act: (served: Served) => Promise<T>,
): Promise<T> {
  const view = new ReadModel({ startedAt: Date.now() });
  const log: string[] = [];
  await using running = rig.startHub({ feed: view });
  const api: RunningApi = await startApi({
    view,
    audit: auditOf(),
    bootstrap: () => undefined,
    version: '1',
    operations: running.hub,
    authenticate: (token) => new Tokens(rig.dir).whose(token, Date.now()),
    log: pino({ level: 'trace' }, { write: (line) => void log.push(line) }),
    listen: { port: 0 },
  });
  const ask = async (who: string, query: string) => {
    view.tick(Date.now());
    const authorization = `Bearer ${tokens.get(who)}`;
    return fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({ query }),
    });
  };
  try {
    await until(
      'the hub',
      () => (view.unready().length === 0 ? true : undefined),
      () => view.unready().join(),
    );
    return await act({
      view,
      audit: running.hub.audit,
      log: log.concat(running.log),
      async order(who, call, result) {
        const [name, ...input] = call.split(' ');
        const errors = 'errors { ... on UserError { code message } }';
        const query = `mutation { it: ${name}(input: { ${input.join(' ')} }) { ${result} ${errors} } }`;
        const answer = (await (await ask(who, query)).json()) as { data?: { it: Order } };
        assert.ok(answer.data, JSON.stringify(answer));
        return answer.data.it;
      },
      status: async (who) => (await ask(who, '{ hub { version } }')).status,
    });
  } finally {
    await api.stop();
  }
}

const idOf = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
const digestOf = (agent: FakeAgent) => agent.document?.assignments[0]?.digest;
const codes = ({ errors }: Order) => errors.map(({ code }) => code);

/** Whatever an agent is told, it says it has; from now on. */
function obey(agent: FakeAgent): () => void {
  let told = 0;
  const timer = setInterval(() => {
    if (agent.documents.length === told) return;
    told = agent.documents.length;
    agent.report('shop');
  }, 50);
  return () => clearInterval(timer);
}

test('two people let a commit go on, one holds it up, others may not; a restart forgets nothing', async () => {
  await using rig = await startRig('hub-orders');
  const { clone } = rig;
  const store = new Tokens(rig.dir);
  const tokens = new Map(
    Object.entries(WHO).map(([name, groups]) => [
      name,
      store.create({ name, groups, emails: [`${name}@acme.example`] }, Date.now()),
    ]),
  );
  const east = await clone.read('clusters/east.yaml');
  await clone.write('clusters/east.yaml', east.replace('env: prod', 'env: prod, ring: east'));
  await clone.write('rollouts/standard.yaml', STRATEGY);
  await clone.write('access/people.yaml', ACCESS);
  await clone.write('placements/shop.yaml', placement('shop').replace('path:', 'strategy: standard, path:'));
  await clone.commit('Stages');
  await using one = await rig.startAgent('east');
  await using other = await rig.startAgent('west');
  one.hello(0);
  other.hello(0);
  const stop = [obey(one), obey(other)];
  let change = '';
  const rollout = () => `rolloutId: "${idOf('Rollout', 'shop', change)}" reason: "test"`;
  const approve = () =>
    `decideApproval changeId: "${idOf('Change', change)}" stage: "rest" approve: true reason: "ok"`;
  try {
    await serving(rig, tokens, async ({ view, audit, order, status }) => {
      const waits = (stage: string) =>
        view.rollouts.line('shop')?.stages.find(({ name }) => name === stage)?.work;
      await until('the first approval', () => waits('rest'));
      change = waits('rest')!.version;
      assert.deepEqual(codes(await order('eve', approve(), 'approvals { state }')), ['not-permitted']);
      const { rows } = await audit.audit({ first: 5, actor: 'eve' }, new AbortController().signal);
      assert.deepEqual(
        rows.map(({ action, placement, result }) => [action, placement, result]),
        [['approve', 'shop', 'refused: eve may not: access/ gives dev no approve']],
      );
      const both = await Promise.all(
        ['alice', 'bob'].map((who) => order(who, approve(), 'approvals { state }')),
      );
      assert.deepEqual(both.flatMap(codes), []);
      await until('the other cluster', () => (other.document ? true : undefined));
      await until('the line to rest', () => (waits('rest') ? undefined : true));

      const paused = await order('alice', `pauseRollout ${rollout()}`, 'rollout { phase }');
      assert.deepEqual(codes(paused), ['finished']);
      assert.equal(await status('eve'), 200);
      store.revoke('eve');
      assert.equal(await status('eve'), 401);

      const before = digestOf(one);
      await clone.write('apps/shop/kustomization.yaml', overlay('b'));
      change = await clone.commit('Second');
      await until('the first stage', () => (digestOf(one) === before ? undefined : true));
      await until('the second approval', () => waits('rest'));
      const { rollout: now, errors } = await order('bob', `pauseRollout ${rollout()}`, 'rollout { phase }');
      assert.deepEqual([now?.phase, errors], ['PAUSED', []]);
    });
    const held = digestOf(other);
    await serving(rig, tokens, async ({ view, order, log }) => {
      await until('the rollout', () => view.rollouts.rollout('shop', change));
      assert.equal(view.rollouts.line('shop')?.pauses[0]?.by, 'bob');
      for (const who of ['alice', 'bob'])
        assert.deepEqual(codes(await order(who, approve(), 'approvals { state }')), [], who);
      assert.equal(digestOf(other), held, 'paused is paused, whoever approves');
      await clone.write('access/people.yaml', ACCESS.replace('approve, pause', 'approve'));
      await clone.commit('Take the pause away');
      await until('the new rules', () =>
        view.index?.access.get('people')?.document.spec.rules[0]?.permissions.includes('pause')
          ? undefined
          : true,
      );
      const resume = `resumeRollout ${rollout()}`;
      assert.deepEqual(codes(await order('bob', resume, 'rollout { phase }')), ['not-permitted']);
      await clone.write('access/people.yaml', ACCESS);
      await clone.commit('Give it back');
      await until('the old rules', () =>
        view.index?.access.get('people')?.document.spec.rules[0]?.permissions.includes('pause')
          ? true
          : undefined,
      );
      assert.deepEqual(codes(await order('bob', resume, 'rollout { phase }')), []);
      await until('the other cluster again', () => (digestOf(other) === held ? undefined : true));
      await until('the end', () =>
        view.rollouts.rollout('shop', change)?.phase === 'Succeeded' ? true : undefined,
      );
      for (const token of tokens.values()) assert.ok(!log.join().includes(token.slice(-43)));
    });
  } finally {
    for (const end of stop) end();
  }
});
