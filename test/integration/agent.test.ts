import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { AgentLab, CLUSTER, configMap, entryOf, NEVER, overlay, placementOf } from './agent-lab.ts';

/** What an agent does with what it was told. */

test('what a valid document assigns runs with its values, and drift in it is told and corrected', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  assert.deepEqual((await lab.map('settings'))?.data, { greeting: 'hello', colour: 'blue' });
  await lab.edit('settings', { colour: 'red' });
  await lab.untilMap('the correction', 'settings', (map) => map?.data.colour === 'blue');
  const told = () => lab.events.find((event) => event.type === 'DRIFT_DETECTED')?.drift;
  await lab.soon('what was corrected told', () => told() !== undefined);
  assert.deepEqual(
    [told()?.path, told()?.desired, told()?.live, told()?.manager],
    ['/data/colour', 'blue', 'red', 'somebody'],
  );
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'green'));
  await lab.rollOut(await lab.clone.commit('Paint it green'));
  assert.equal((await lab.map('settings'))?.data.colour, 'green');
});

test('an agent that is not enrolled keeps asking, and converges once it is', async () => {
  await using lab = await AgentLab.open();
  lab.enrolled = false;
  lab.start();
  lab.publish(await lab.document(await lab.clone.head(), ['web']));
  await lab.untilMap('no rush', 'settings', (map) => map === undefined);
  assert.equal(lab.hellos.length, 0);
  lab.enrolled = true;
  await lab.untilMap('the object', 'settings', (map) => map !== undefined);
  assert.equal(lab.hellos[0]?.key, lab.key.publicKey);
  assert.equal(lab.hellos[0]?.epoch, 0);
  assert.match(lab.hellos[0]?.facts.kubernetesVersion ?? '', /^v1\./);
});

test('without hub, NATS and Git, across a restart, with an empty disk, what was accepted is enforced', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  await lab.stop();
  lab.enrolled = false;
  await lab.nats.stop();
  await lab.git.stop();
  await lab.edit('settings', { colour: 'red' });
  lab.start();
  await lab.untilMap('drift of before the restart', 'settings', (map) => map?.data.colour === 'blue');
  await lab.edit('settings', { colour: 'pink' });
  await lab.untilMap('drift of after it', 'settings', (map) => map?.data.colour === 'blue');
  await lab.kube('DELETE', '/api/v1/namespaces/default/configmaps/settings');
  await lab.untilMap('a deleted object', 'settings', (map) => map?.data.colour === 'blue');
  await lab.stop();
  lab.emptyDisk();
  await lab.edit('settings', { colour: 'grey' });
  lab.start();
  await lab.untilMap('drift, with an empty disk', 'settings', (map) => map?.data.colour === 'blue');
  const isTold = async () => {
    const { body } = await lab.kube('GET', '/api/v1/namespaces/flotilla-system/configmaps/flotilla-status');
    return body.data.web?.includes('sync: SYNCED') || undefined;
  };
  await eventually('the status map says so', isTold, PATIENCE_MS, NEVER);
  await lab.stop();
});

test('a restart and a quiet time write nothing at all', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  const versions = async () => {
    const maps = await lab.kube('GET', '/api/v1/configmaps');
    const secrets = await lab.kube('GET', '/api/v1/namespaces/flotilla-system/secrets');
    return [...maps.body.items, ...secrets.body.items]
      .map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
      .sort();
  };
  await lab.stop();
  const before = await versions();
  lab.start();
  const { length } = lab.heartbeats;
  await lab.until(
    'a status of this run',
    'web',
    ({ sync, health }) => sync.state === 'SYNCED' && health.state === 'CURRENT',
  );
  await lab.soon('several heartbeats', () => lab.heartbeats.length > length + 6);
  await lab.stop();
  assert.deepEqual(await versions(), before);
});

test('an equal digest moves the revision without asking Git for content and without an apply', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  const before = await lab.map('settings');
  const patches = lab.sim.cluster(CLUSTER).requests.get('apply');
  await lab.clone.write('README.md', 'words');
  const revision = await lab.clone.commit('Only words');
  const document = await lab.document(revision, ['web']);
  lab.publish(document);
  const moved = await lab.until('moved', 'web', ({ applied }) => applied?.revision === revision);
  assert.equal(moved.attempt, document.assignments[0]!.attempt);
  assert.equal(moved.sync.state, 'SYNCED');
  assert.equal((await lab.map('settings'))?.metadata.resourceVersion, before?.metadata.resourceVersion);
  assert.equal(lab.sim.cluster(CLUSTER).requests.get('apply'), patches);
});

test('going back to what ran before needs no Git', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  const first = await lab.clone.head();
  const document = await lab.rollOut(first);
  await lab.clone.write(
    'apps/web/settings.yaml',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { colour: 7 }\n',
  );
  const broken = await lab.clone.commit('A number where text belongs');
  lab.publish(await lab.document(broken, ['web']));
  const failed = await lab.until('refused', 'web', ({ sync }) => sync.state === 'FAILED');
  assert.equal(failed.applied?.revision, first);
  assert.match(failed.sync.reason!, /ConfigMap\/default\/settings/);
  const object = failed.objects.find(({ error }) => error !== undefined);
  assert.equal(object?.source, 'apps/web/settings.yaml');
  await lab.git.stop();
  const back = {
    ...document,
    epoch: Date.now() + 1,
    assignments: [{ ...document.assignments[0]!, attempt: Date.now() + 1 }],
  };
  lab.publish(back);
  await lab.until(
    'back',
    'web',
    ({ attempt, sync }) => attempt === back.assignments[0]!.attempt && sync.state === 'SYNCED',
  );
});

test('an overlay that does not render, or renders nothing, keeps the last good state and says why', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  const kustomization = await lab.clone.read('apps/web/kustomization.yaml');
  await lab.clone.write(
    'apps/web/kustomization.yaml',
    `${kustomization}patches: [{ target: { kind: ConfigMap, name: settings }, patch: "- { op: remove, path: /nowhere }" }]\n`,
  );
  const broken = await lab.clone.commit('A patch that fits nothing');
  lab.publish(await lab.document(broken, ['web']));
  const failed = await lab.until('render-failed', 'web', ({ faults }) => faults[0]?.code === 'render-failed');
  assert.match(failed.faults[0]!.message, /apps\/web: .*nowhere/);
  assert.equal(failed.sync.state, 'FAILED');
  await lab.clone.write('apps/web/kustomization.yaml', kustomization.replace('settings.yaml', ''));
  const empty = await lab.clone.commit('Nothing left');
  lab.publish(await lab.document(empty, ['web']));
  await lab.until('render-empty', 'web', ({ faults }) =>
    /^render-(empty|failed)$/.test(faults[0]?.code ?? ''),
  );
  assert.equal((await lab.map('settings'))?.data.colour, 'blue');
  await lab.edit('settings', { colour: 'red' });
  await lab.untilMap('the last good state', 'settings', (map) => map?.data.colour === 'blue');
});

test('suspend by commit and hold by the hub stop writes; drift is told, and taken back when they end', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  const first = await lab.clone.head();
  await lab.rollOut(first);
  await lab.clone.write('clusters/one.yaml', entryOf(lab.key, '  suspend: true\n'));
  await lab.clone.commit('Suspend');
  await lab.until('suspended', 'web', ({ sync }) => sync.state === 'SUSPENDED');
  await lab.edit('settings', { colour: 'red' });
  await lab.until('drift told', 'web', ({ drift }) => drift.state === 'DRIFTED');
  assert.equal((await lab.map('settings'))?.data.colour, 'red');
  await lab.clone.write('clusters/one.yaml', entryOf(lab.key));
  await lab.clone.commit('Resume');
  await lab.untilMap('corrected', 'settings', (map) => map?.data.colour === 'blue');

  const heldFor = async (ms: number) => {
    const until = new Date(Date.now() + ms).toISOString();
    lab.publish(await lab.document(first, ['web'], { hold: { placements: ['web'], until } }));
  };
  await heldFor(3_600_000);
  await lab.until('held', 'web', ({ sync }) => sync.state === 'HELD');
  await lab.edit('settings', { colour: 'pink' });
  await lab.until('drift told', 'web', ({ drift }) => drift.state === 'DRIFTED');
  assert.equal((await lab.map('settings'))?.data.colour, 'pink');
  await heldFor(1_500);
  await lab.untilMap('the hold ends by itself', 'settings', (map) => map?.data.colour === 'blue');
  await lab.until('synced', 'web', ({ sync, drift }) => sync.state === 'SYNCED' && drift.state === 'NONE');
});

test('an observing cluster is told what would be done, and nothing is written to it', async () => {
  await using lab = await AgentLab.open();
  await lab.clone.write('clusters/one.yaml', entryOf(lab.key, '  mode: observe\n'));
  const head = await lab.clone.commit('Only observe');
  lab.start();
  lab.publish(await lab.document(head, ['web']));
  const seen = await lab.until(
    'observed',
    'web',
    ({ sync }) => sync.reason?.startsWith('observe: ') === true,
  );
  assert.match(seen.sync.reason!, /would create 1/);
  assert.equal(await lab.map('settings'), undefined);
  await lab.clone.write('clusters/one.yaml', entryOf(lab.key));
  await lab.clone.commit('Enforce');
  await lab.untilMap('written now', 'settings', (map) => map?.data.colour === 'blue');
  await lab.until('synced', 'web', ({ sync, applied }) => sync.state === 'SYNCED' && applied !== undefined);
});

test('a first installation waits for what it depends on', async () => {
  await using lab = await AgentLab.open({
    // Longer than statuses are held back for: what is over at once is not told.
    readyDelay: 1_000,
    files: {
      'placements/platform.yaml': placementOf('platform'),
      'placements/web.yaml': placementOf('web', '  dependsOn: [platform]\n'),
      'apps/platform/kustomization.yaml':
        'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: default\nresources: [slow.yaml]\n',
      'apps/platform/slow.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: slow }
spec:
  selector: { matchLabels: { app: slow } }
  template:
    metadata: { labels: { app: slow } }
    spec: { containers: [{ name: slow, image: registry.example/slow:1 }] }
`,
    },
  });
  lab.start();
  await lab.rollOut(await lab.clone.head(), ['web', 'platform']);
  assert.ok(
    lab.statuses.some(
      ({ placement, sync }) => placement === 'web' && /waits for platform/.test(sync.reason ?? ''),
    ),
  );
  const current = lab.statuses.findIndex(
    ({ placement, health, sync }) =>
      placement === 'platform' && sync.state === 'SYNCED' && health.state === 'CURRENT',
  );
  const started = lab.statuses.findIndex(
    ({ placement, sync }) => placement === 'web' && sync.state === 'APPLYING',
  );
  assert.ok(current >= 0 && (started < 0 || current < started));
});

test('an object that moves between placements in one revision is handed over, not deleted', async () => {
  await using lab = await AgentLab.open({
    files: {
      'placements/other.yaml': placementOf('other'),
      ...overlay('web', 'settings', 'shared'),
      ...overlay('other', 'own'),
    },
  });
  lab.start();
  await lab.rollOut(await lab.clone.head(), ['web', 'other']);
  const before = await lab.map('shared');
  for (const [path, text] of Object.entries({
    ...overlay('web', 'settings'),
    ...overlay('other', 'own', 'shared'),
  }))
    await lab.clone.write(path, text);
  await lab.rollOut(await lab.clone.commit('Move shared'), ['web', 'other']);
  assert.equal((await lab.map('shared'))?.metadata.uid, before?.metadata.uid);
});

test('a Git server that refuses, and an API server that is away, are told in words and gone when they are back', async () => {
  await using lab = await AgentLab.open({ flags: ['--lease', '3s'] });
  lab.start();
  await lab.rollOut(await lab.clone.head());
  lab.git.refuse(401);
  const refused = await lab.untilFault('git-credentials-refused');
  assert.match(refused.faults[0]!.message, /credentials are asked for and none are configured/);
  lab.git.refuse(undefined);
  const { faults } = lab.sim.cluster(CLUSTER);
  faults.setUnreachable(true);
  await lab.untilFault('kube-unreachable');
  // Longer than the Lease lasts: another agent might have taken over.
  const since = Date.now();
  await lab.soon('the Lease to end', () => Date.now() - since > 4_500);
  await lab.untilFault('kube-unreachable');
  faults.setUnreachable(false);
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'green'));
  await lab.rollOut(await lab.clone.commit('Paint it green'));
  await lab.soon('no fault left', () => lab.heartbeats.at(-1)?.faults.length === 0);
});

test('a second agent of the same cluster waits, and takes over when the first has ended', async () => {
  await using lab = await AgentLab.open();
  lab.start({ identity: 'first' });
  await lab.rollOut(await lab.clone.head());
  await using second = lab.second({ identity: 'second' });
  await second.untilLogged(/another agent \(first\) holds the Lease/);
  await lab.stop();
  await lab.edit('settings', { colour: 'red' });
  await lab.untilMap('corrected by the second', 'settings', (map) => map?.data.colour === 'blue');
  const lease = await lab.kube(
    'GET',
    '/apis/coordination.k8s.io/v1/namespaces/flotilla-system/leases/flotilla-agent',
  );
  assert.equal((lease.body as unknown as { spec: { holderIdentity: string } }).spec.holderIdentity, 'second');
});

test('of two processes with one data directory the older one ends with words, and the younger one works', async () => {
  await using lab = await AgentLab.open();
  const older = lab.spawn();
  await lab.rollOut(await lab.clone.head());
  lab.start();
  assert.deepEqual(await older.ended, { code: 78, signal: null });
  await lab.edit('settings', { colour: 'red' });
  await lab.untilMap('corrected by the younger', 'settings', (map) => map?.data.colour === 'blue');
});

test('objects outside of what the placement is allowed are refused before anything is written', async () => {
  await using lab = await AgentLab.open({
    files: { 'placements/web.yaml': placementOf('web', '  allow: { namespaces: [shop] }\n') },
  });
  lab.start();
  lab.publish(await lab.document(await lab.clone.head(), ['web']));
  const refused = await lab.until('refused', 'web', ({ faults }) => faults[0]?.code === 'tenancy-refused');
  assert.match(refused.sync.reason!, /is not allowed to have ConfigMap\/default\/settings/);
  assert.equal(await lab.map('settings'), undefined);
});

test('deletions beyond the guard wait for an approval by commit, and everything else counts as done', async () => {
  const many = ['a', 'b', 'c', 'd', 'e'];
  await using lab = await AgentLab.open({ files: overlay('web', 'settings', ...many) });
  lab.start();
  await lab.rollOut(await lab.clone.head());
  for (const [path, text] of Object.entries(overlay('web', 'settings'))) await lab.clone.write(path, text);
  const document = await lab.document(await lab.clone.commit('Take five out'), ['web']);
  lab.publish(document);
  const waits = await lab.until('held', 'web', ({ sync }) => sync.state === 'AWAITING_APPROVAL');
  assert.equal(waits.faults[0]?.code, 'prune-held');
  assert.equal(waits.applied?.revision, document.head);
  assert.ok(await lab.map('a'));
  const hash = /set (p[0-9a-f]{15})/.exec(waits.sync.reason!)![1]!;
  await lab.clone.write('placements/web.yaml', placementOf('web', `  approvals: [{ prune: ${hash} }]\n`));
  await lab.clone.commit('Approve');
  await lab.until('let go', 'web', ({ sync }) => sync.state === 'SYNCED');
  for (const name of many) assert.equal(await lab.map(name), undefined);
});
