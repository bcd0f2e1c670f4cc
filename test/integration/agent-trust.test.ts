import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sealDesired } from '#proto/envelope.ts';
import { createNkey } from '#proto/nkey.ts';
import { AgentLab, configMap, entryOf, overlay, placementOf } from './agent-lab.ts';

/** What an agent believes, and what it does not. */

test('a commit that is on the server but not on the branch is refused though the hub signed it, until it is merged', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'evil'));
  const aside = await lab.clone.commitAside('refs/pull/1/head', 'Not reviewed');
  lab.publish(await lab.document(aside, ['web']));
  const beat = await lab.untilFault('revision-not-on-branch');
  assert.match(beat.faults.find(({ code }) => code === 'revision-not-on-branch')!.message, new RegExp(aside));
  assert.equal((await lab.map('settings'))?.data.colour, 'blue');
  await lab.edit('settings', { colour: 'red' });
  await lab.untilMap('drift corrected all the same', 'settings', (map) => map?.data.colour === 'blue');
  await lab.clone.git('fetch', '--quiet', 'origin', 'refs/pull/1/head');
  await lab.clone.git('merge', '--quiet', '--no-ff', '-m', 'Merge it', aside);
  await lab.clone.commit('Go on');
  await lab.untilMap('the merged commit', 'settings', (map) => map?.data.colour === 'evil');
});

test('a wrong key, a bad signature, another cluster and an old epoch are refused, told, and change nothing', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  const head = await lab.clone.head();
  const inForce = await lab.rollOut(head);
  const empty = await lab.document(head, []);
  const refusals: [string, string][] = [
    ['desired-unknown-key', sealDesired(empty, createNkey('server'))],
    ['desired-bad-signature', sealDesired(empty, lab.hubKey).replace(/"sig":"../, '"sig":"AA')],
    ['desired-wrong-cluster', sealDesired({ ...empty, cluster: 'two' }, lab.hubKey)],
    ['desired-old-epoch', sealDesired({ ...empty, epoch: inForce.epoch - 1 }, lab.hubKey)],
    ['desired-malformed', '{"v":1}'],
    ['desired-version-unknown', '{"v":7}'],
  ];
  for (const [code, envelope] of refusals) {
    lab.send(envelope);
    const beat = await lab.untilFault(code);
    assert.equal(beat.epoch, inForce.epoch);
  }
  assert.equal(lab.newest('web')?.faults.length, 0);
  await lab.edit('settings', { colour: 'red' });
  await lab.untilMap('drift corrected all the same', 'settings', (map) => map?.data.colour === 'blue');
});

test('a removal is done only when Git confirms it, and an assignment that vanishes is kept', async () => {
  await using lab = await AgentLab.open({
    files: { 'placements/old.yaml': placementOf('old'), ...overlay('old', 'relic') },
  });
  lab.start();
  const first = await lab.clone.head();
  await lab.rollOut(first, ['web', 'old']);
  await lab.kube('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'somebody-elses' } });

  const vanished = await lab.document(first, ['web']);
  lab.publish(vanished);
  await lab.until('old vanished', 'old', ({ faults }) => faults[0]?.code === 'assignment-vanished');
  await lab.edit('relic', { colour: 'red' });
  await lab.untilMap('what vanished is enforced', 'relic', (map) => map?.data.colour === 'blue');

  const later = await lab.clone.commit('Nothing is removed here');
  const lie = await lab.document(later, ['web'], { removed: [{ placement: 'old', revision: later }] });
  lab.publish(lie);
  await lab.until('the lie told', 'old', ({ faults }) => faults[0]?.code === 'removal-not-in-git');
  assert.ok(await lab.map('relic'));

  await lab.clone.remove('placements/old.yaml');
  const gone = await lab.clone.commit('Remove old');
  lab.publish(await lab.document(gone, ['web'], { removed: [{ placement: 'old', revision: gone }] }));
  await lab.until('old removed', 'old', ({ removed }) => removed === true);
  assert.equal(await lab.map('relic'), undefined);
  assert.ok(await lab.map('settings'));
  assert.ok(await lab.map('somebody-elses'));
});

test('an agent whose entry is gone stops writing and prunes nothing, and goes on when the entry comes back', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  await lab.clone.remove('clusters/one.yaml');
  await lab.clone.commit('Let one go');
  await lab.untilFault('entry-missing');
  const stopped = await lab.until('suspended', 'web', ({ sync }) => sync.state === 'SUSPENDED');
  assert.match(stopped.sync.reason!, /has no entry in Git/);
  await lab.edit('settings', { colour: 'red' });
  await lab.until('drift told', 'web', ({ drift }) => drift.state === 'DRIFTED');
  assert.equal((await lab.map('settings'))?.data.colour, 'red');
  await lab.clone.write('clusters/one.yaml', entryOf(lab.key));
  await lab.clone.commit('Take one back');
  await lab.untilMap('corrected again', 'settings', (map) => map?.data.colour === 'blue');
});

test('an agent without an entry looks at Git when the hub speaks again, be it with the same document', async () => {
  await using lab = await AgentLab.open({ flags: ['--tip-check', '1h'] });
  lab.start();
  const { assignments } = await lab.rollOut(await lab.clone.head());
  await lab.clone.remove('clusters/one.yaml');
  const document = await lab.document(await lab.clone.commit('Let one go'), [], { assignments });
  lab.publish(document);
  await lab.until('suspended', 'web', ({ sync }) => sync.state === 'SUSPENDED');
  await lab.clone.write('clusters/one.yaml', entryOf(lab.key));
  await lab.clone.commit('Take one back');
  lab.publish(document);
  await lab.until('going on', 'web', ({ sync }) => sync.state === 'SYNCED');
});

test('a digest that is not the one Git gives, and a placement that does not select the cluster, change nothing', async () => {
  await using lab = await AgentLab.open({
    files: {
      'placements/other.yaml': placementOf('other').replace('env: prod', 'env: dev'),
      ...overlay('other', 'foreign'),
    },
  });
  lab.start();
  const head = await lab.clone.head();
  await lab.rollOut(head);
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'green'));
  const next = await lab.clone.commit('Paint it green');
  const document = await lab.document(next, ['web']);
  const [web] = document.assignments;
  const lies = [
    { ...web!, digest: 'f'.repeat(64) },
    { ...web!, placement: 'other' },
  ];
  lab.publish({ ...document, assignments: lies });
  const mismatch = await lab.until('mismatch', 'web', ({ faults }) => faults[0]?.code === 'digest-mismatch');
  assert.deepEqual([mismatch.sync.state, mismatch.attempt], ['FAILED', web!.attempt]);
  await lab.until('not selected', 'other', ({ faults }) => faults[0]?.code === 'not-selected');
  assert.equal((await lab.map('settings'))?.data.colour, 'blue');
  assert.equal(await lab.map('foreign'), undefined);
  await lab.edit('settings', { colour: 'red' });
  await lab.untilMap('the last good state', 'settings', (map) => map?.data.colour === 'blue');
});

test('a branch that is rewritten is told and not followed, until the new history is acknowledged', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  await lab.clone.git('checkout', '--quiet', '--orphan', 'other');
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'green'));
  await lab.clone.git('add', '--all');
  await lab.clone.git('commit', '--quiet', '-m', 'Another beginning');
  await lab.clone.pushRef('refs/heads/main');
  const tip = await lab.clone.head();
  await lab.untilFault('history-rewritten');
  const rewritten = await lab.document(tip, ['web']);
  lab.publish(rewritten);
  await lab.untilFault('revision-not-on-branch');
  assert.equal((await lab.map('settings'))?.data.colour, 'blue');
  await lab.stop();
  lab.start({ acceptedRewrite: tip });
  await lab.untilMap('the new history', 'settings', (map) => map?.data.colour === 'green');
});

test('hub keys at the accepted head replace the pinned ones, across a restart', async () => {
  await using lab = await AgentLab.open();
  const next = createNkey('server');
  lab.start();
  await lab.rollOut(await lab.clone.head());
  const fleet = await lab.clone.read('flotilla.yaml');
  await lab.clone.write(
    'flotilla.yaml',
    fleet.replace('{ branch: main }', `{ branch: main, hub: { publicKeys: [${next.publicKey}] } }`),
  );
  const head = await lab.clone.commit('Change the hub key');
  const document = await lab.document(head, ['web']);
  lab.publish(document);
  await lab.until('moved', 'web', ({ applied }) => applied?.revision === head);
  lab.publish(await lab.document(head, ['web']));
  await lab.untilFault('desired-unknown-key');
  await lab.stop();
  lab.start();
  const newest = await lab.document(head, ['web']);
  lab.publish(newest, next);
  await lab.until('the new key obeyed', 'web', ({ epoch }) => epoch === newest.epoch);
});

test('no version from before trust.notBefore is started, and what runs from there goes on', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  const old = await lab.clone.head();
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'green'));
  const fixed = await lab.clone.commit('Mend a hole');
  await lab.rollOut(fixed);
  const fleet = await lab.clone.read('flotilla.yaml');
  await lab.clone.write(
    'flotilla.yaml',
    fleet.replace('{ branch: main }', `{ branch: main, trust: { notBefore: ${fixed} } }`),
  );
  const head = await lab.clone.commit('Never go back behind it');
  lab.publish(await lab.document(old, ['web'], { head }));
  const refused = await lab.until('refused', 'web', ({ faults }) => faults[0]?.code === 'revision-too-old');
  assert.equal(refused.applied?.revision, fixed);
  assert.equal((await lab.map('settings'))?.data.colour, 'green');
});
