import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Discovery, pathOfResource } from './discovery.ts';
import { KubeError } from './errors.ts';

const NEVER = new AbortController().signal;
const kindUnknown = { code: 'kube-kind-unknown' };
const resources = (...kinds: string[]) => ({
  resources: kinds.flatMap((kind) => [
    { name: `${kind.toLowerCase()}s`, kind, namespaced: true },
    { name: `${kind.toLowerCase()}s/status`, kind, namespaced: true },
  ]),
});

function serving(answers: Record<string, unknown>): { discovery: Discovery; asked: string[] } {
  const asked: string[] = [];
  const discovery = new Discovery(async (path) => {
    asked.push(path);
    if (path in answers) return answers[path];
    throw new KubeError('kube-rejected', `${path}: not found`, { status: 404, reason: 'NotFound' });
  });
  return { discovery, asked };
}

test('a group version is asked for once; a kind that is not in it once more', async () => {
  const answers: Record<string, unknown> = { '/apis/apps/v1': resources('Deployment') };
  const { discovery, asked } = serving(answers);
  const found = await discovery.resource('apps/v1', 'Deployment', NEVER);
  assert.deepEqual(found, {
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    plural: 'deployments',
    namespaced: true,
  });
  await discovery.resource('apps/v1', 'Deployment', NEVER);
  assert.equal(asked.length, 1);
  await assert.rejects(discovery.resource('apps/v1', 'Late', NEVER), kindUnknown);
  answers['/apis/apps/v1'] = resources('Deployment', 'Late');
  assert.equal((await discovery.resource('apps/v1', 'Late', NEVER)).plural, 'lates');
});

test('a kind whose version is gone is found in another one of its group', async () => {
  const { discovery } = serving({
    '/apis/x.io': { versions: [{ version: 'v1' }, { version: 'v2' }] },
    '/apis/x.io/v2': resources('Widget'),
  });
  assert.equal((await discovery.anyVersion('x.io', 'v1beta1', 'Widget', NEVER)).version, 'v2');
  await assert.rejects(discovery.anyVersion('x.io', 'v1', 'Gone', NEVER), kindUnknown);
  await assert.rejects(discovery.anyVersion('nowhere.io', 'v1', 'Gone', NEVER), kindUnknown);
});

test('a failure is not remembered, and is no unknown kind', async () => {
  let calls = 0;
  const discovery = new Discovery(async () => {
    if (++calls === 1) throw new KubeError('kube-unreachable', 'down', { status: 0, reason: 'Unreachable' });
    return resources('ConfigMap');
  });
  await assert.rejects(discovery.resource('v1', 'ConfigMap', NEVER), { code: 'kube-unreachable' });
  assert.equal((await discovery.resource('v1', 'ConfigMap', NEVER)).plural, 'configmaps');
});

test('paths are those of the API', () => {
  const widget = { group: 'x.io', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };
  assert.equal(pathOfResource(widget, 'n', 'a'), '/apis/x.io/v1/namespaces/n/widgets/a');
  assert.equal(pathOfResource(widget, undefined), '/apis/x.io/v1/widgets');
  const role = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
  assert.equal(pathOfResource(role, 'ignored', 'system:a/b'), '/api/v1/nodes/system%3Aa%2Fb');
});
