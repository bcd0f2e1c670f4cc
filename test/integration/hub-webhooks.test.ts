import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { allowanceOf } from '#hub/webhooks/addresses.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { entry, type FakeAgent, overlay, placement, type Rig, startRig, until } from './hub-rig.ts';

/** A gate between two stages that asks a real HTTP server, on a hub with real NATS and Git. */
const signal = new AbortController().signal;
const KEY = Buffer.from('what the hub and the hook know');
type Asked = { id: string; version: string; stage: string; placement: string };

async function startHook() {
  const asked: Asked[] = [];
  const hook = { asked, answer: (response: ServerResponse) => void response.end('{"answer":"yes"}') };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    asked.push(JSON.parse(body));
    hook.answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    hook,
    url: `http://127.0.0.1:${port}/gate`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const webhooks = {
  allowance: allowanceOf(['127.0.0.1']),
  readKey: async () => KEY,
  backoff: { first: 1, most: 5 },
};
const strategy = (url: string) => `apiVersion: flotilla.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: gated }
spec:
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ webhook: { url: "${url}", secret: ci, timeout: 2m, retries: 1 } }] }
    - { name: broad, selector: {} }
`;

async function gatedFleet({ clone, keys }: Rig, url: string): Promise<void> {
  await clone.write('clusters/east.yaml', entry('east', keys.east).replace('env: prod', 'ring: canary'));
  await clone.write('rollouts/gated.yaml', strategy(url));
  await clone.write('placements/shop.yaml', placement('shop').replace('spec: {', 'spec: { strategy: gated,'));
  await clone.commit('Gate');
}

/** Takes up what it is told and is Current at once; says that it lives. */
function obey(agent: FakeAgent): Disposable {
  agent.hello(0);
  let done = 0;
  const timer = setInterval(() => {
    const assigned = agent.document?.assignments.find((one) => one.placement === 'shop');
    if (assigned && assigned.attempt !== done) agent.report('shop');
    done = assigned?.attempt ?? 0;
    agent.heartbeat();
  }, 100);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const revisionOf = (agent: FakeAgent) =>
  agent.document?.assignments.find((one) => one.placement === 'shop')?.revision;

test('a webhook that says no or does not answer holds the next stage, retry asks anew, and yes lets it go', async () => {
  await using rig = await startRig('hub-webhooks');
  await using started = await startHook();
  const { hook, url } = started;
  await gatedFleet(rig, url);
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  await using running = rig.startHub({ webhooks });
  const { hub, view } = running;
  using _east = obey(east);
  using _west = obey(west);
  await until('the first version to be everywhere', () => revisionOf(west));
  const before = hook.asked.length;

  hook.answer = (response) => void response.end('{"answer":"no","message":"smoke tests fail"}');
  await rig.clone.write('apps/shop/kustomization.yaml', overlay('b'));
  const head = await rig.clone.commit('Change');
  const waiting = () =>
    view.state.fleet.lines.shop?.stages.find(({ name }) => name === 'canary')?.work?.waiting ?? '';
  await until(
    'the no',
    () => /says no: smoke tests fail; retry asks again/.test(waiting()) || undefined,
    waiting,
  );
  assert.equal(revisionOf(east), head);
  assert.notEqual(revisionOf(west), head);
  assert.equal(hook.asked.length, before + 1);
  assert.deepEqual(
    [hook.asked.at(-1)?.version, hook.asked.at(-1)?.stage, hook.asked.at(-1)?.placement],
    [head, 'canary', 'shop'],
  );

  hook.answer = (response) => void response.writeHead(503).end();
  const retry = { placement: 'shop', order: { kind: 'retry', by: 'ann', reason: 'mended' } } as const;
  assert.ok(!('refused' in (await hub.order(retry, signal))));
  await until(
    'the silence',
    () => /does not answer: HTTP 503 \(2 tries\)/.test(waiting()) || undefined,
    waiting,
  );
  assert.notEqual(revisionOf(west), head);

  hook.answer = (response) => void response.end('{"answer":"yes"}');
  assert.ok(!('refused' in (await hub.order(retry, signal))));
  await until('the change in the next stage', () => revisionOf(west) === head || undefined);
  const ids = hook.asked.slice(before).map(({ id }) => id);
  assert.equal(new Set(ids).size, 3, 'each retry asks under another id, each try under the same');

  const denied = await hub.order({ placement: 'shop', order: { kind: 'resume', by: 'bob' } }, signal);
  assert.ok('refused' in denied);
  const { rows } = await hub.audit.audit({ first: 100 }, signal);
  const orders = rows.filter(({ kind }) => kind === 'operation');
  assert.deepEqual(
    orders.map(({ action, by, reason, result }) => [action, by, reason, result]),
    [
      ['resume', 'bob', undefined, 'refused: shop is not paused'],
      ['retry', 'ann', 'mended', 'done'],
      ['retry', 'ann', 'mended', 'done'],
    ],
  );
  const ofHead = rows.filter(({ kind, revision }) => kind === 'rollout' && revision === head);
  const told = ofHead.map(({ action, stage }) => `${action} ${stage ?? ''}`.trim()).reverse();
  assert.equal(told[0], 'stageTook canary');
  assert.equal(told.filter((one) => one === 'gateDenied canary').length, 2);
  assert.ok(told.includes('gateOpened canary') && told.includes('stagePassed canary'), told.join(', '));
  const history = await eventually(
    'the history of west',
    async () => {
      const found = await hub.audit.history('west', 'shop', signal);
      return found[0]?.revision === head ? found : undefined;
    },
    PATIENCE_MS,
    signal,
  );
  assert.equal(history[0]?.result, 'current');
  assert.equal(history[0]?.from, history[1]?.digest);
});

test('a hub that ends while it asks asks again under the same id', async () => {
  await using rig = await startRig('hub-webhooks-restart');
  await using started = await startHook();
  const { hook, url } = started;
  hook.answer = () => undefined;
  await gatedFleet(rig, url);
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  using _east = obey(east);
  using _west = obey(west);
  {
    await using running = rig.startHub({ webhooks });
    await until(
      'the question',
      () => hook.asked[0],
      () => running.log.slice(-5).join('\n'),
    );
  }
  const [first] = hook.asked;
  hook.answer = (response) => void response.end('{"answer":"yes"}');
  await using running = rig.startHub({ webhooks });
  await until(
    'the next stage',
    () => revisionOf(west),
    () => running.log.slice(-5).join('\n'),
  );
  assert.equal(hook.asked.at(-1)?.id, first?.id);
});
