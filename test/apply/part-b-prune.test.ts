/** Cases 26–37 of the corpus of apply behaviours: inventory, pruning, health, and kinds that come and go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '#agent/engine/ports.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { widgetDefinition } from '#test/integration/engine-apply-laws.ts';
import { configMap, deployment, Lab, namespace } from '#test/integration/engine-lab.ts';
import { core, NEVER, object, secret } from './cluster.ts';
import { realServer } from './servers.ts';

const { server } = realServer('part-b-prune');
const annotated = (ns: string, name: string, annotations: Record<string, string>) => {
  const made = configMap(ns, name, { v: '1' });
  made.metadata.annotations = annotations;
  return made;
};
const exists = async (lab: Lab, ns: string, name: string) =>
  (await lab.get(core(ns, 'configmaps', name))) !== undefined;

test('B26: an object that Git renames is pruned under its old name, and what a person paused survives', async () => {
  await using lab = new Lab(server());
  const ns = 'b26';
  await lab.apply(ns, [namespace(ns), configMap(ns, 'old', { v: '1' }), configMap(ns, 'paused', { v: '1' })]);
  assert.deepEqual(await lab.inventory(ns).then((all) => all.length), 3);
  await lab.edit(core(ns, 'configmaps', 'paused'), {
    metadata: { annotations: { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' } },
  });
  const actions = await lab.actions(ns, [namespace(ns), configMap(ns, 'new', { v: '1' })]);
  assert.deepEqual(actions, {
    [`/Namespace//${ns}`]: 'unchanged',
    [`/ConfigMap/${ns}/new`]: 'created',
    [`/ConfigMap/${ns}/old`]: 'pruned',
    [`/ConfigMap/${ns}/paused`]: 'skipped',
  });
  assert.ok(await exists(lab, ns, 'paused'));
  await lab.untilInventory(ns, ['applied ConfigMap/new', `applied Namespace/${ns}`]);
});

test('B27: prune disabled, another owner and an ignored object survive and are told; what was only created if not present goes', async () => {
  await using lab = new Lab(server());
  const ns = 'b27';
  await lab.apply('b27-ns', [namespace(ns)]);
  await lab.apply(ns, [
    configMap(ns, 'stays', {}),
    annotated(ns, 'guarded', { 'flotilla.dev/prune': 'disabled' }),
    annotated(ns, 'argo', { 'argocd.argoproj.io/sync-options': 'Prune=false' }),
    annotated(ns, 'once', { 'flotilla.dev/apply': 'if-not-present' }),
    configMap(ns, 'taken', {}),
    configMap(ns, 'ignored', {}),
  ]);
  await lab.edit(core(ns, 'configmaps', 'taken'), {
    metadata: { labels: { 'flotilla.dev/placement': 'somebody-else' } },
  });
  const ignored = annotated(ns, 'ignored', { 'flotilla.dev/apply': 'ignore' });
  await lab.edit(core(ns, 'configmaps', 'ignored'), { metadata: ignored.metadata }, 'somebody');
  const { results } = await lab.apply(ns, [configMap(ns, 'stays', {})], { maxPrune: 1, mode: 'report' });
  const kept = 'its annotations keep it from being pruned';
  assert.deepEqual(Object.fromEntries(results.map(({ id, left }) => [id.split('/').at(-1), left])), {
    ...{ stays: undefined, once: undefined, guarded: kept, argo: kept, ignored: kept },
    taken: 'its owner label names placement somebody-else',
  });
  for (const name of ['guarded', 'argo', 'ignored', 'taken'])
    assert.ok(await exists(lab, ns, name), `${name} survives`);
  assert.equal(await exists(lab, ns, 'once'), false);
});

test('B28: a deletion that is refused stays in the inventory and is tried again; one that a finalizer holds is done for us', async () => {
  await using lab = new Lab(server());
  const ns = 'b28';
  const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
  await lab.apply('b28-ns', [namespace(ns)]);
  const keep = configMap(ns, 'keep', {});
  await lab.apply(ns, [keep, configMap(ns, 'refused', {}), configMap(ns, 'held', {})]);
  await lab.edit(
    core(ns, 'configmaps', 'held'),
    { metadata: { finalizers: ['example.com/hold'] } },
    'holder',
  );
  await lab.post(POLICIES, {
    metadata: { name: ns },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['configmaps'] },
        ],
      },
      validations: [{ expression: "oldObject.metadata.name != 'refused'", message: 'it is needed' }],
    },
  });
  await lab.post(`${POLICIES.replace('policies', 'policybindings')}`, {
    metadata: { name: ns },
    spec: { policyName: ns, validationActions: ['Deny'] },
  });
  const refused = core(ns, 'configmaps', 'refused');
  const isRefused = async () =>
    (await lab.server.send('DELETE', `${refused}?dryRun=All`)).status >= 400 || undefined;
  await eventually('deletions are refused', isRefused, PATIENCE_MS, NEVER);
  const actions = await lab.actions(ns, [keep]);
  assert.match(
    actions[`/ConfigMap/${ns}/refused`]!,
    /^failed: delete ConfigMap\/b28\/refused: .*it is needed/,
  );
  assert.equal(actions[`/ConfigMap/${ns}/held`], 'pruned');
  await lab.untilInventory(ns, ['applied ConfigMap/keep', 'applied ConfigMap/refused']);
  const held = await lab.get(core(ns, 'configmaps', 'held'));
  assert.ok(held!.metadata.deletionTimestamp);

  await lab.remove(`${POLICIES.replace('policies', 'policybindings')}/${ns}`);
  await lab.untilInventory(ns, ['applied ConfigMap/keep']);
  assert.equal(await exists(lab, ns, 'refused'), false);
  await lab.edit(core(ns, 'configmaps', 'held'), { metadata: { finalizers: null } }, 'holder');
});

test('B29: a render of nothing keeps the last good state, and the next good one goes on from it', async () => {
  await using lab = new Lab(server());
  const ns = 'b29';
  await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '1' })]);
  await assert.rejects(lab.apply(ns, []), { code: 'render-empty' });
  assert.ok(await exists(lab, ns, 'a'));
  assert.equal((await lab.inventory(ns)).length, 2);
  const actions = await lab.actions(ns, [namespace(ns), configMap(ns, 'a', { v: '2' })]);
  assert.equal(actions[`/ConfigMap/${ns}/a`], 'configured');
});

test('B30: a removal takes everything, orphaning nothing, while prune: false and letting go leave everything', async () => {
  await using lab = new Lab(server());
  await lab.apply('b30-ns', [namespace('b30')]);
  const table = [
    { name: 'pruned', prune: true, forget: false, left: false },
    { name: 'unpruned', prune: false, forget: false, left: true },
    { name: 'orphaned', prune: true, forget: true, left: true },
    { name: 'held', prune: true, forget: false, hold: true, left: true },
  ];
  for (const { name, prune, forget, hold = false, left } of table) {
    await lab.apply(name, [configMap('b30', name, {})], { prune });
    if (forget) lab.engine.forget(name);
    else await lab.engine.retire(name, [], { ...DEFAULT_POLICY, prune, hold }, NEVER);
    assert.equal(await exists(lab, 'b30', name), left, name);
  }
});

test('B31: a Deployment that cannot progress is Failed with the reason while a claim beside it is still in progress', async () => {
  await using lab = new Lab(server());
  const ns = 'b31';
  const stuck = deployment(ns, 'stuck', 'example.com/web:1', 1);
  Object.assign(stuck.spec as object, { progressDeadlineSeconds: 2 });
  const template = (stuck.spec as { template: { spec: object } }).template;
  Object.assign(template.spec, { nodeSelector: { nowhere: 'true' } });
  const claim = object('v1', 'PersistentVolumeClaim', `${ns}/data`, {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  await lab.apply(ns, [namespace(ns), stuck, claim]);
  const { objects } = await lab.until('the Deployment has failed', ns, (snapshot) =>
    snapshot.objects.some(({ id, health }) => id.includes('Deployment') && health === 'FAILED'),
  );
  const told = Object.fromEntries(
    objects.map(({ id, health, healthReason }) => [id, { health, healthReason }]),
  );
  assert.match(
    told[`apps/Deployment/${ns}/stuck`]!.healthReason!,
    /node affinity|nodes are available|deadline/i,
  );
  assert.equal(told[`/PersistentVolumeClaim/${ns}/data`]!.health, 'IN_PROGRESS');
});

test('B31: what a quota keeps from coming up says so, where only events know', async () => {
  await using lab = new Lab(server());
  const ns = 'b31-quota';
  const labels = { app: 'db' };
  const set = [
    namespace(ns),
    object('v1', 'ResourceQuota', `${ns}/none`, { spec: { hard: { pods: '0' } } }),
    object('apps/v1', 'StatefulSet', `${ns}/db`, {
      spec: {
        replicas: 1,
        serviceName: 'db',
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'db', image: 'example.com/db:1' }] },
        },
      },
    }),
    deployment(ns, 'web', 'example.com/web:1', 1),
  ];
  // What a controller of the control plane would have written by then: the quota is in force from the start.
  await lab.apply(ns, set.slice(0, 2));
  const quota = `/api/v1/namespaces/${ns}/resourcequotas/none`;
  await lab.edit(`${quota}/status`, { status: { hard: { pods: '0' }, used: { pods: '0' } } }, 'quota');
  await lab.apply(ns, set);
  const reasons = await lab.until(
    'both say why',
    ns,
    ({ objects }) =>
      objects.filter(({ healthReason = '' }) => /exceeded quota/.test(healthReason)).length === 2,
  );
  const failed = reasons.objects.find(({ id }) => id.includes('Deployment'));
  assert.equal(failed?.health, 'FAILED');
});

test('B32: a Job that completed and vanished is as wanted and not run again, also after a restart; without a TTL it is missing', async () => {
  const ns = 'b32';
  const job = (name: string, ttl: number | undefined, image = 'example.com/j:1') =>
    object('batch/v1', 'Job', `${ns}/${name}`, {
      spec: {
        ...(ttl !== undefined && { ttlSecondsAfterFinished: ttl }),
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'j', image }] } },
      },
    });
  const path = (name: string) => `/apis/batch/v1/namespaces/${ns}/jobs/${name}`;
  const set = [namespace(ns), job('vanishes', 3600), job('stays', undefined)];
  const reported = { mode: 'report' } as const;
  {
    await using lab = new Lab(server());
    await lab.apply(ns, set, reported);
    await lab.until('both have completed', ns, ({ objects }) =>
      objects.every(({ health }) => health === 'CURRENT'),
    );
    // What the TTL controller does once the time has come.
    for (const name of ['vanishes', 'stays']) await lab.remove(`${path(name)}?propagationPolicy=Background`);
    const { objects } = await lab.until('the one without a TTL is missed', ns, (snapshot) =>
      snapshot.objects.some(({ health }) => health === 'NOT_FOUND'),
    );
    const of = (name: string) => objects.find(({ id }) => id.endsWith(`/${name}`))!;
    assert.deepEqual([of('vanishes').health, of('vanishes').drift], ['CURRENT', 'NONE']);
    assert.deepEqual([of('stays').health, of('stays').drift], ['NOT_FOUND', 'DRIFTED']);
    await lab.engine.flush(ns, NEVER);
    await lab.apply(
      ns,
      [namespace(ns), job('vanishes', 3600), job('stays', undefined, 'example.com/j:2')],
      reported,
    );
  }
  await using lab = new Lab(server());
  const actions = await lab.actions(ns, set);
  assert.equal(actions[`batch/Job/${ns}/vanishes`], 'unchanged', JSON.stringify(actions));
  assert.equal(await lab.get(path('vanishes')), undefined);
  const changed = await lab.actions(ns, [namespace(ns), job('vanishes', 3600, 'example.com/j:3')]);
  assert.equal(changed[`batch/Job/${ns}/vanishes`], 'created');
});

test('B32: a Job with a TTL of nothing that is gone before anybody looked has done its work and runs once', async () => {
  await using lab = new Lab(server());
  const ns = 'b32-zero';
  const job = object('batch/v1', 'Job', `${ns}/j`, {
    spec: {
      ttlSecondsAfterFinished: 0,
      template: {
        spec: { restartPolicy: 'Never', containers: [{ name: 'j', image: 'example.com/j:1' }] },
      },
    },
  });
  await lab.apply(ns, [namespace(ns), job]);
  const path = `/apis/batch/v1/namespaces/${ns}/jobs/j`;
  const isGone = async () => (await lab.get(path)) === undefined || undefined;
  await eventually('its TTL has removed it', isGone, PATIENCE_MS, NEVER);
  await lab.until(
    'it counts as done',
    ns,
    ({ objects, drifts }) => drifts.length === 0 && objects.every(({ health }) => health === 'CURRENT'),
  );
  assert.deepEqual(
    lab.requests.filter((request) => request === 'apply Job/j'),
    ['apply Job/j'],
  );
  assert.equal(await lab.get(path), undefined);
});

test('B35: a newer desired state interrupts a wait and is applied at once', async () => {
  await using lab = new Lab(server());
  const ns = 'b35';
  const recreate = { 'flotilla.dev/recreate': 'enabled' };
  const path = core(ns, 'secrets', 'n');
  await lab.apply(ns, [namespace(ns), secret(`${ns}/n`, { p: 'a' }, { immutable: true }, recreate)]);
  await lab.edit(path, { metadata: { finalizers: ['example.com/hold'] } }, 'holder');
  const newer = new AbortController();
  const bad = [namespace(ns), secret(`${ns}/n`, { p: 'b' }, { immutable: true }, recreate)];
  const waiting = lab.engine.apply({ placement: ns, objects: bad, policy: DEFAULT_POLICY }, newer.signal);
  const isGoing = async () => (await lab.get(path))?.metadata.deletionTimestamp;
  await eventually('it waits for the finalizer', isGoing, PATIENCE_MS, NEVER);
  newer.abort(new Error('a newer revision'));
  await assert.rejects(waiting, /a newer revision/);
  const { ok } = await lab.apply(ns, [namespace(ns), configMap(ns, 'fix', {})], { maxPrune: 1 });
  assert.equal(ok, true);
  assert.ok(await exists(lab, ns, 'fix'));
  await lab.edit(path, { metadata: { finalizers: null } }, 'holder');
});

test('B37: a CRD comes with its object in one set, a new version of it is found, and its end is noticed', async () => {
  await using lab = new Lab(server());
  const ns = 'b37';
  const group = 'b37.example.com';
  const crd = (...versions: string[]) => {
    const made = widgetDefinition(group) as ReturnType<typeof widgetDefinition> & {
      spec: { versions: object[] };
    };
    const [v1] = made.spec.versions;
    made.spec.versions = versions.map((name, index) => ({ ...v1, name, storage: index === 0 }));
    return made;
  };
  const widget = (version: string, size: number) =>
    object(`${group}/${version}`, 'Widget', `${ns}/w`, { spec: { size } });
  const first = await lab.actions(ns, [widget('v1', 1), crd('v1'), namespace(ns)]);
  assert.deepEqual(new Set(Object.values(first)), new Set(['created']));
  const second = await lab.actions(ns, [widget('v2', 2), crd('v1', 'v2'), namespace(ns)]);
  assert.equal(second[`${group}/Widget/${ns}/w`], 'configured', JSON.stringify(second));
  const third = await lab.apply(ns, [namespace(ns)], { approvals: ['*'] });
  assert.equal(third.ok, true, JSON.stringify(third));
  const isForgotten = async () => {
    const again = await lab.actions(ns, [namespace(ns), widget('v1', 1)]);
    return /^failed: .*not known to the API server/.test(again[`${group}/Widget/${ns}/w`]!) || undefined;
  };
  await eventually('the kind is not known any more', isForgotten, PATIENCE_MS, NEVER);
});
