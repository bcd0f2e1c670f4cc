/** Laws over generated object sets and generated live states, on the simulated API server, for its speed. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type KubeObject, objectId } from '#agent/core/object.ts';
import { PHASES, phaseOf } from '#agent/core/phases.ts';
import { DEFAULT_POLICY, type Policy } from '#agent/engine/ports.ts';
import type { KubeClient } from '#agent/kube/client.ts';
import { runPass } from '#agent/once/pass.ts';
import { reportOf } from '#agent/once/report.ts';
import { type Sim, startSim } from '#sim/server.ts';
import { betweenWrites } from '#test/integration/client-between.ts';
import { configMap, deployment, Lab, namespace, type Server } from '#test/integration/engine-lab.ts';
import fc from '#test/laws.ts';
import { collection, core, object, secret } from './cluster.ts';
import { simServerOf } from './servers.ts';

let sim: Sim;
let nth = 0;

before(async () => {
  sim = await startSim();
});
after(() => sim.close());

/** Each run has a cluster of its own. */
async function onFreshCluster(run: (server: Server) => Promise<void>): Promise<void> {
  const name = `c${nth++}`;
  sim.createCluster(name, { readyDelay: Number.POSITIVE_INFINITY });
  try {
    await run(simServerOf(sim, name));
  } finally {
    sim.deleteCluster(name);
  }
}

const NS = 'shop';
const RBAC = 'rbac.authorization.k8s.io';
const makers: ((name: string, v: string) => KubeObject)[] = [
  (name, v) => configMap(NS, name, { v }),
  (name, v) => secret(`${NS}/${name}`, { v }),
  (name) => object('v1', 'ServiceAccount', `${NS}/${name}`),
  (name, v) => object('v1', 'Service', `${NS}/${name}`, { spec: { ports: [{ port: Number(v) }] } }),
  (name, v) => deployment(NS, name, `example.com/web:${v}`, 0),
  (name, v) =>
    object(`${RBAC}/v1`, 'Role', `${NS}/${name}`, {
      rules: [{ apiGroups: [''], resources: [`r${v}`], verbs: ['get'] }],
    }),
  (name) =>
    object(`${RBAC}/v1`, 'RoleBinding', `${NS}/${name}`, {
      roleRef: { apiGroup: RBAC, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: NS }],
    }),
  (name, v) =>
    object(`${RBAC}/v1`, 'ClusterRole', name, {
      rules: [{ apiGroups: [''], resources: [`r${v}`], verbs: ['get'] }],
    }),
];
const some = fc
  .tuple(fc.constantFrom(...makers), fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '3'))
  .map(([make, name, v]) => make(name, v));
/** Shuffled, the Namespace anywhere in it. */
const set = fc
  .uniqueArray(some, { maxLength: 10, selector: objectId })
  .chain((objects) => fc.shuffledSubarray([...objects, namespace(NS)], { minLength: objects.length + 1 }));
const MANAGERS = ['kubectl-client-side-apply', 'kubectl-edit', 'helm', 'k9s', 'before-first-apply'];
/** What is there before us, or comes in between: objects of people, and foreign keys in objects of any kind of owner. */
const foreign = fc.array(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'x', 'y'),
    data: fc.dictionary(fc.constantFrom('v', 'w'), fc.constantFrom('1', '9')),
    manager: fc.constantFrom(...MANAGERS),
    labelled: fc.boolean(),
  }),
  { maxLength: 4 },
);
type Foreign = { name: string; data: Record<string, string>; manager: string; labelled: boolean };

async function interfere(lab: Lab, all: readonly Foreign[]): Promise<void> {
  await lab.server.send('POST', '/api/v1/namespaces', { metadata: { name: NS } });
  for (const { name, data, manager, labelled } of all) {
    const path = core(NS, 'configmaps', name);
    const labels = labelled ? { 'flotilla.dev/placement': 'shop' } : {};
    const made = { metadata: { name, labels }, data };
    const { status } = await lab.server.send('POST', `${collection(path)}?fieldManager=${manager}`, made);
    if (status === 409) await lab.edit(path, { data }, manager);
  }
}

/** resourceVersion of everything that a run could touch, inventory included. */
async function versions(lab: Lab): Promise<Record<string, string>> {
  const paths = [
    ...['configmaps', 'secrets', 'serviceaccounts', 'services'].map((plural) => core(NS, plural, 'x')),
    `/apis/apps/v1/namespaces/${NS}/deployments/x`,
    ...['roles', 'rolebindings'].map((plural) => `/apis/${RBAC}/v1/namespaces/${NS}/${plural}/x`),
    `/apis/${RBAC}/v1/clusterroles/x`,
    core('flotilla-system', 'configmaps', 'x'),
  ];
  const found: Record<string, string> = {};
  for (const path of paths.map(collection)) {
    const { body } = await lab.server.send('GET', path);
    for (const { metadata } of (body as { items?: KubeObject[] }).items ?? [])
      found[`${path}/${metadata.name} ${metadata.uid}`] = metadata.resourceVersion!;
  }
  return found;
}

/** Notes what is deleted, and what the inventory named at that moment. */
const watchingDeletes =
  (deleted: string[]) =>
  (client: KubeClient): KubeClient =>
    betweenWrites(client, (name, args, go) => {
      const [target] = args as Parameters<KubeClient['remove']>;
      if (name === 'remove') deleted.push(`${target.resource.kind}/${target.name}`);
      return go();
    });

const RUNS = { numRuns: 25 };
const policy = { maxPrune: 1, adopt: ['helm'] } as const;

test('apply(apply(x)) writes nothing, by the same process and by another one, whatever was there before', () =>
  fc.assert(
    fc.asyncProperty(set, foreign, async (objects, people) =>
      onFreshCluster(async (server) => {
        await using lab = new Lab(server);
        await interfere(lab, people);
        const { ok, results } = await lab.apply('shop', objects, policy);
        assert.equal(ok, true, JSON.stringify(results));
        await lab.untilInventory('shop', await appliedOf(lab, objects));
        const before = await versions(lab);
        const asked = lab.requests.length;
        await lab.apply('shop', objects.toReversed(), policy);
        assert.equal(lab.requests.length, asked);
        await using other = new Lab(server);
        const again = await other.apply('shop', objects, policy);
        assert.deepEqual(new Set(again.results.map(({ action }) => action)), new Set(['unchanged']));
        assert.deepEqual(await versions(lab), before);
      }),
    ),
    RUNS,
  ));

async function appliedOf(lab: Lab, objects: readonly KubeObject[]): Promise<string[]> {
  const named = new Set(objects.map(({ kind, metadata }) => `applied ${kind}/${metadata.name}`));
  return (await lab.inventory('shop'))
    .map((line) => line.replace('intended', 'applied'))
    .filter((line) => named.has(line));
}

test('what is written is written in the order of the phases', () =>
  fc.assert(
    fc.asyncProperty(set, async (objects) =>
      onFreshCluster(async (server) => {
        await using lab = new Lab(server);
        await lab.apply('shop', objects);
        const byName = new Map(objects.map((each) => [`apply ${each.kind}/${each.metadata.name}`, each]));
        const order = lab.requests
          .flatMap((request) => byName.get(request) ?? [])
          .map((each) => PHASES.indexOf(phaseOf(each)));
        assert.equal(order.length, objects.length);
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        );
      }),
    ),
    RUNS,
  ));

test('through any sequence of sets and of other people’s edits nothing is deleted that the inventory did not name', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(set, foreign, fc.boolean()), { minLength: 1, maxLength: 4 }),
      async (history) =>
        onFreshCluster(async (server) => {
          const deleted: string[] = [];
          let lab = new Lab(server, undefined, watchingDeletes(deleted));
          try {
            for (const [objects, people, restarts] of history) {
              await interfere(lab, people);
              if (restarts) {
                await lab[Symbol.asyncDispose]();
                lab = new Lab(server, undefined, watchingDeletes(deleted));
              }
              const named = new Set((await lab.inventory('shop')).map((line) => line.replace(/^\w+ /, '')));
              deleted.length = 0;
              const { results } = await lab.apply('shop', objects, { ...policy, approvals: ['*'] });
              const failed = results.filter(({ action }) => action === 'failed');
              assert.deepEqual(failed, []);
              const wanted = new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
              for (const name of deleted) {
                assert.ok(named.has(name), `${name} was deleted, and the inventory did not name it`);
                assert.ok(!wanted.has(name), `${name} was deleted, and Git wants it`);
              }
              for (const each of objects) {
                const told = lab.snapshot('shop').objects.find(({ id }) => id === objectId(each));
                assert.ok(told && told.action !== 'failed');
              }
            }
          } finally {
            await lab[Symbol.asyncDispose]();
          }
        }),
    ),
    RUNS,
  ));

test('what would be done is the same however often and by whichever process it is asked, and asking changes nothing', () =>
  fc.assert(
    fc.asyncProperty(set, set, foreign, async (first, second, people) =>
      onFreshCluster(async (server) => {
        await using lab = new Lab(server);
        await interfere(lab, people);
        await lab.apply('shop', first, policy);
        await lab.untilInventory('shop', await appliedOf(lab, first));
        const before = await versions(lab);
        const observe = { ...policy, observe: true };
        const would = await lab.actions('shop', second, observe);
        assert.deepEqual(await lab.actions('shop', second, observe), would);
        await using other = new Lab(server);
        assert.deepEqual(await other.actions('shop', second, observe), would);
        assert.deepEqual(await versions(lab), before);
        const done = await lab.actions('shop', second, { ...policy, approvals: ['*'] });
        assert.deepEqual(done, would);
      }),
    ),
    RUNS,
  ));

test('a pass does what a dry run of it has foretold, whatever people did since the pass before', () =>
  fc.assert(
    fc.asyncProperty(
      fc.tuple(set, foreign),
      fc.tuple(fc.option(set), foreign),
      fc.constantFrom('correct' as const, 'report' as const),
      async ([first, before], [second, since], mode) =>
        onFreshCluster(async (server) => {
          await using lab = new Lab(server);
          await interfere(lab, before);
          await lab.apply('shop', first, policy);
          await lab.untilInventory('shop', await appliedOf(lab, first));
          await lab.crash();
          await interfere(lab, since);
          await using people = new Lab(server);
          const pass = (observe: boolean) =>
            actionsOfPass(people, second ?? first, { ...DEFAULT_POLICY, ...policy, mode, observe });
          const would = await pass(true);
          assert.deepEqual(await pass(false), would);
        }),
    ),
    RUNS,
  ));

/** As `agent once` tells them, of a process of its own. */
async function actionsOfPass(
  lab: Lab,
  objects: readonly KubeObject[],
  policy: Policy,
): Promise<Record<string, string>> {
  const pass = {
    placement: 'shop',
    objects,
    sources: new Map(),
    policy: { ...policy, approvals: ['*'] },
    waitMs: 0,
  };
  const passed = await runPass(lab.client, 'flotilla-system', pass, new AbortController().signal);
  const about = { placement: 'shop', dryRun: policy.observe, corrects: policy.mode === 'correct' };
  return Object.fromEntries(reportOf(passed, about).actions.map(({ id, action }) => [id, action]));
}
