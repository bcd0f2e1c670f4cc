import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNkey } from '#proto/nkey.ts';
import { PATIENCE_MS } from '../bed/eventually.ts';
import { AgentLab, overlay, placementOf } from './agent-lab.ts';

const MAIN = join(import.meta.dirname, '../../agent/main.ts');
const run = (...args: string[]) =>
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });

/** In the order in which an installation and a change that prunes pass them. */
const POINTS = [
  'desired-accepted',
  'fetched',
  'rendered',
  'echoed',
  'target-saved',
  'inventory-written',
  'between-writes',
  'applied',
  'inventory-finalised',
];

/** Between one effect and the next. */
const DEATHS = ['desired-accepted', 'target-saved', 'inventory-written', 'between-writes', 'applied'];
/** Where the second run had something left to do. */
const HALF_DONE = ['between-writes'];

test('an agent that dies at any point converges after a restart, deletes nothing unasked and writes nothing twice', async () => {
  await using lab = await AgentLab.open({ files: overlay('web', 'settings', 'second', 'third') });
  await lab.kube('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'somebody-elses' } });
  for (const [index, point] of DEATHS.entries()) {
    const fresh = `object-${index}`;
    for (const [path, text] of Object.entries(overlay('web', 'settings', 'second', 'third', fresh)))
      await lab.clone.write(path, text);
    const revision = await lab.clone.commit(`Up to ${point}`);
    const document = await lab.document(revision, ['web']);
    const dying = lab.spawn({ FLOTILLA_TEST_STOP_AT: point });
    lab.publish(document);
    const { signal } = await dying.ended;
    assert.equal(signal, 'SIGKILL', `died at ${point}`);
    const again = lab.spawn();
    await lab.until(
      `Current after ${point}`,
      'web',
      ({ attempt, applied, sync, health }) =>
        attempt === document.assignments[0]!.attempt &&
        applied?.revision === revision &&
        sync.state === 'SYNCED' &&
        health.state === 'CURRENT',
    );
    await again.stop();
    const names = ['settings', 'second', 'third', fresh];
    const maps = await Promise.all(names.map((name) => lab.map(name)));
    assert.ok(maps.every(Boolean), `everything is there after ${point}`);
    assert.equal(await lab.map(`object-${index - 1}`), undefined);
    if (!HALF_DONE.includes(point)) continue;
    const { length } = lab.statuses;
    const third = lab.spawn();
    await lab.soon('a status of the third run', () =>
      lab.statuses
        .slice(length)
        .some(({ sync, health }) => sync.state === 'SYNCED' && health.state === 'CURRENT'),
    );
    await third.stop();
    assert.deepEqual(
      (await Promise.all(names.map((name) => lab.map(name)))).map((map) => map?.metadata.resourceVersion),
      maps.map((map) => map?.metadata.resourceVersion),
    );
  }
  assert.ok(await lab.map('somebody-elses'));
});

test('an agent that dies between the two sides of a hand-over deletes nothing, whichever side had begun', async () => {
  const sets = [
    { web: ['settings', 'shared'], other: ['rest'] },
    { web: ['settings'], other: ['rest', 'shared'] },
  ];
  const files = (set: (typeof sets)[number]) => ({
    'placements/other.yaml': placementOf('other'),
    ...overlay('web', ...set.web),
    ...overlay('other', ...set.other),
  });
  await using lab = await AgentLab.open({ files: files(sets[0]!) });
  const settled = (revision: string) =>
    Promise.all(
      ['web', 'other'].map((name) =>
        lab.until(
          `${name} at ${revision}`,
          name,
          ({ applied, sync }) => applied?.revision === revision && sync.state === 'SYNCED',
        ),
      ),
    );
  const first = lab.spawn();
  const head = await lab.clone.head();
  lab.publish(await lab.document(head, ['web', 'other']));
  await settled(head);
  await first.stop();
  const { uid } = (await lab.map('shared'))!.metadata;
  for (const [index, point] of ['target-saved:1', 'target-saved:2', 'between-writes:1'].entries()) {
    for (const [path, text] of Object.entries(files(sets[(index + 1) % 2]!)))
      await lab.clone.write(path, text);
    const revision = await lab.clone.commit(`Move it, up to ${point}`);
    const document = await lab.document(revision, ['web', 'other']);
    const dying = lab.spawn({ FLOTILLA_TEST_STOP_AT: point });
    lab.publish(document);
    assert.equal((await dying.ended).signal, 'SIGKILL', `died at ${point}`);
    const again = lab.spawn();
    await settled(revision);
    assert.equal((await lab.map('shared'))?.metadata.uid, uid, `it is the same object after ${point}`);
    await again.stop();
  }
});

test('markers name the steps in their order', async () => {
  await using lab = await AgentLab.open();
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-markers-'));
  const file = join(directory, 'markers');
  const agent = lab.spawn({ FLOTILLA_TEST_MARKERS: file });
  await lab.rollOut(await lab.clone.head());
  await agent.stop();
  const passed = readFileSync(file, 'utf8').trim().split('\n');
  rmSync(directory, { recursive: true });
  const order = POINTS.filter((point) => passed.includes(point)).map((point) => passed.indexOf(point));
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  for (const point of ['desired-accepted', 'fetched', 'rendered', 'echoed', 'target-saved', 'applied'])
    assert.ok(passed.includes(point), point);
});

test('an agent that is asked to end does so in order and gives up the Lease', async () => {
  await using lab = await AgentLab.open();
  const agent = lab.spawn();
  await lab.rollOut(await lab.clone.head());
  await agent.stop(PATIENCE_MS);
  assert.deepEqual(await agent.ended, { code: 0, signal: null });
  const path = '/apis/coordination.k8s.io/v1/namespaces/flotilla-system/leases/flotilla-agent';
  const { body } = await lab.kube('GET', path);
  assert.equal((body as unknown as { spec: { holderIdentity: string } }).spec.holderIdentity, '');
});

test('--help says what there is, init makes the key once, and a wrong configuration exits with 78 and names it', () => {
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--hub-keys +public keys of the hub/);
  const data = mkdtempSync(join(tmpdir(), 'flotilla-init-'));
  const [first, second] = [run('init', '--data', data), run('init', '--data', data)];
  assert.match(first.stdout, /^U[A-Z2-7]{55}\n$/);
  assert.equal(second.stdout, first.stdout);
  rmSync(data, { recursive: true });
  const wrong = run('--cluster', 'One', '--hub-keys', createNkey('server').publicKey);
  assert.equal(wrong.status, 78);
  assert.match(wrong.stderr, /--cluster: not a DNS-1123 label/);
  assert.match(wrong.stderr, /FLOTILLA_GIT \(--git\) is missing/);
});
