import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handoverLaws } from '#test/apply/handover-laws.ts';
import { realServer } from '#test/apply/servers.ts';
import { applyLaws } from './engine-apply-laws.ts';
import { driftLaws } from './engine-drift-laws.ts';
import { foretoldLaws } from './engine-foretold-laws.ts';
import { configMap, Lab, namespace } from './engine-lab.ts';

const { plane, server } = realServer('engine');

applyLaws(server);
driftLaws(server);
foretoldLaws(server);
handoverLaws(server);

test('an API server that was away is found again: what was asked meanwhile is applied, drift is seen', async () => {
  await using lab = new Lab(server());
  const ns = 'law-away';
  const path = `/api/v1/namespaces/${ns}/configmaps/a`;
  await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '1' })]);
  await plane().apiServer.kill9();
  await assert.rejects(lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '2' })]), {
    code: 'kube-unreachable',
  });
  assert.equal(lab.snapshot(ns).faults[0]?.code, 'kube-unreachable');
  await plane().apiServer.start();
  await lab.until(
    'it is applied',
    ns,
    ({ counts, faults, applying }) => counts.configured === 1 && faults.length === 0 && !applying,
  );
  assert.deepEqual((await lab.get(path))!.data, { v: '2' });
  await lab.edit(path, { data: { v: '9' } });
  await lab.untilEvent('DRIFT_RESOLVED', '/data/v');
  assert.deepEqual((await lab.get(path))!.data, { v: '2' });
});
