import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlanes, startControlPlanes } from '#test/bed/control-planes.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { applyLaws } from './engine-apply-laws.ts';
import { driftLaws } from './engine-drift-laws.ts';
import { configMap, Lab, namespace, type Server } from './engine-lab.ts';

let planes: ControlPlanes | undefined;
let scratch: Awaited<ReturnType<typeof makeScratch>> | undefined;

before(async () => {
  scratch = await makeScratch('engine');
  planes = await startControlPlanes(1, { dir: scratch.dir });
});

after(async () => {
  await planes?.stop();
  await scratch?.[Symbol.asyncDispose]();
});

const server = (): Server => {
  const plane = planes!.at(0);
  return {
    source: { file: plane.kubeconfigPath },
    send: (method, path, body, options) => plane.client.send(method, path, body, options),
  };
};

applyLaws(server);
driftLaws(server);

test('an API server that was away is found again: what was asked meanwhile is applied, drift is seen', async () => {
  await using lab = new Lab(server());
  const ns = 'law-away';
  const path = `/api/v1/namespaces/${ns}/configmaps/a`;
  await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '1' })]);
  await planes!.at(0).apiServer.kill9();
  await assert.rejects(lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '2' })]), {
    code: 'kube-unreachable',
  });
  assert.equal(lab.snapshot(ns).faults[0]?.code, 'kube-unreachable');
  await planes!.at(0).apiServer.start();
  await lab.until(
    'it is applied',
    ns,
    ({ counts, faults, applying }) => counts.configured === 1 && faults.length === 0 && !applying,
    30_000,
  );
  assert.deepEqual((await lab.get(path))!.data, { v: '2' });
  await lab.edit(path, { data: { v: '9' } });
  await lab.untilEvent('DRIFT_RESOLVED', '/data/v', 30_000);
  assert.deepEqual((await lab.get(path))!.data, { v: '2' });
});
