import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { once } from '#agent/once/main.ts';
import type { OnceReport } from '#agent/once/report.ts';
import { type ControlPlanes, startControlPlanes } from '#test/bed/control-planes.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { kubeconfigOf } from '#test/bed/kube-client.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { kustomization, writeFiles } from '../e2e/fleet.ts';

const NEVER = new AbortController().signal;
const PRESETS = join(import.meta.dirname, '../../deploy/agent');
let planes: ControlPlanes;
let scratch: Awaited<ReturnType<typeof makeScratch>>;

before(async () => {
  scratch = await makeScratch('rights');
  planes = await startControlPlanes(1, { dir: join(scratch.dir, 'planes') });
});
after(async () => {
  await planes?.stop();
  await scratch?.[Symbol.asyncDispose]();
});

const plane = () => planes.at(0);

async function run(kubeconfig: string, ...args: string[]): Promise<{ code: number; report: OnceReport }> {
  const said: string[] = [];
  const io = { env: {}, out: (text: string) => said.push(text), talk: (text: string) => said.push(text) };
  const code = await once(['--kubeconfig', kubeconfig, '-o', 'json', ...args], io as never, NEVER);
  assert.ok(code < 2, said.join(''));
  return { code, report: JSON.parse(said.join('')) as OnceReport };
}

/** Installs a preset with the engine itself (its `apps` in another namespace), and returns a kubeconfig of its service account. */
async function install(preset: string, apps?: string): Promise<string> {
  const dir = apps === undefined ? PRESETS : join(scratch.dir, 'presets');
  if (apps !== undefined) {
    cpSync(PRESETS, dir, { recursive: true });
    // The root of a repository: what lies beside may be named.
    mkdirSync(join(dir, '.git'), { recursive: true });
    const file = join(dir, preset, 'apps/kustomization.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('namespace: apps', `namespace: ${apps}`));
  }
  const args = ['--path', join(dir, preset), '--placement', 'flotilla-agent'];
  const { code, report } = await run(plane().kubeconfigPath, ...args);
  assert.equal(code, 0, JSON.stringify(report));
  const { status } = await plane().client.expect<{ status: { token: string } }>(
    'POST',
    '/api/v1/namespaces/flotilla-system/serviceaccounts/flotilla-agent/token',
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  );
  const path = join(scratch.dir, `${preset}.kubeconfig`);
  const { server, ca } = plane();
  writeFileSync(path, kubeconfigOf('one', { server, ca, token: status.token }), { mode: 0o600 });
  return path;
}

function overlay(ns: string): string[] {
  const dir = join(scratch.dir, ns);
  writeFiles(dir, {
    'kustomization.yaml': `${kustomization('settings.yaml')}namespace: ${ns}\n`,
    'settings.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { colour: blue }\n',
  });
  return ['--path', dir, '--placement', ns];
}

test('namespaced needs no right across the cluster, and says what is out of its reach and what to grant', async () => {
  for (const name of ['apps', 'shop', 'elsewhere'])
    await plane().client.expect('POST', '/api/v1/namespaces', { metadata: { name } });
  const confined = await install('namespaced');
  const { code, report } = await run(confined, ...overlay('apps'), '--namespaces', 'apps');
  assert.deepEqual([code, report.inventory], [0, ['/ConfigMap/apps/settings']], JSON.stringify(report));
  const errorIn = async (...args: string[]) => {
    const refused = await run(confined, ...args, '--wait', '0s');
    assert.equal(refused.code, 1);
    return refused.report.actions.find(({ error }) => error)?.error ?? JSON.stringify(refused.report);
  };
  assert.match(
    await errorIn(...overlay('elsewhere'), '--namespaces', 'apps'),
    /in namespace elsewhere and this agent is confined to apps \(--namespaces\); grant the agent a Role and a RoleBinding there/,
  );
  assert.match(
    await errorIn(...overlay('shop'), '--namespaces', 'apps,shop'),
    /configmaps.*grant the agent by a Role in namespace shop or a ClusterRole/,
  );
  const dir = join(scratch.dir, 'mixed');
  writeFiles(dir, {
    'kustomization.yaml': kustomization('mixed.yaml'),
    'mixed.yaml': `apiVersion: v1
kind: Namespace
metadata: { name: another }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: beside, namespace: apps }
`,
  });
  const mixed = ['--path', dir, '--placement', 'mixed', '--namespaces', 'apps'];
  assert.match(
    await errorIn(...mixed),
    /Namespace.*another is cluster-scoped and this agent is confined to apps/,
  );
  assert.equal(
    (await plane().client.send('GET', '/api/v1/namespaces/apps/configmaps/beside')).status,
    200,
    'what is within reach is applied',
  );
});

test('what RBAC refuses names verb and resource, and the rule to add; cluster-admin applies it', async () => {
  const ns = 'enforced';
  await plane().client.expect('POST', '/api/v1/namespaces', { metadata: { name: ns } });
  const nobody = await plane().createServiceAccount('viewer', { clusterRole: 'view' });
  const { report } = await run(nobody.kubeconfigPath, ...overlay(ns), '--dry-run', '--wait', '0s');
  assert.match(
    report.actions[0]?.error ?? '',
    /cannot patch resource "configmaps".*grant the agent by a Role in namespace enforced or a ClusterRole: apiGroups: \[""\], resources: \["configmaps"\], verbs: \["patch"\]/,
  );
  const { code, report: applied } = await run(await install('cluster-admin'), ...overlay(ns));
  assert.deepEqual([code, applied.inventory], [0, ['/ConfigMap/enforced/settings']]);
});

test('a placement writes as the service account that it names: no more, no less, and nothing without one', async () => {
  const [ns, name] = ['tenant', 'as-deployer'];
  await plane().client.expect('POST', '/api/v1/namespaces', { metadata: { name: ns } });
  const kubeconfig = await install('tenants', ns);
  const { client } = plane();
  const write = (objects: string) =>
    writeFiles(join(scratch.dir, name), {
      'kustomization.yaml': `${kustomization('all.yaml')}namespace: ${ns}\n`,
      'all.yaml': objects,
    });
  const settings = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { colour: blue }\n';
  const account = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: another }\n';
  const acting = (serviceAccount: string) => {
    const file = join(scratch.dir, `${name}.yaml`);
    const spec = `selector: {}\n  path: unused\n  namespace: ${ns}\n${serviceAccount}`;
    const document = `apiVersion: flotilla.dev/v1alpha1\nkind: Placement\nmetadata: { name: ${name} }\nspec:\n  ${spec}`;
    writeFileSync(file, document);
    const args = ['--path', join(scratch.dir, name), '--placement', file, '--namespaces', ns];
    return (...more: string[]) => run(kubeconfig, ...args, '--wait', '0s', ...more);
  };
  const deployer = acting('  serviceAccount: deployer\n');

  write(`${settings}---\n${account}`);
  const told = (report: OnceReport) => Object.fromEntries(report.actions.map((each) => [each.id, each]));
  const first = await deployer();
  const actions = told(first.report);
  assert.equal(actions[`/ConfigMap/${ns}/settings`]?.action, 'created', JSON.stringify(actions));
  assert.match(
    actions[`/ServiceAccount/${ns}/another`]?.error ?? '',
    /User "system:serviceaccount:tenant:deployer" cannot patch resource "serviceaccounts".*grant service account tenant\/deployer by a Role in namespace tenant or a ClusterRole: .*verbs: \["patch"\]/,
  );
  const rehearsed = told((await deployer('--dry-run')).report);
  assert.match(
    rehearsed[`/ServiceAccount/${ns}/another`]?.error ?? '',
    /grant service account tenant\/deployer/,
  );

  // Drift is read by the agent, and taken back by the account; what leaves Git is deleted by it.
  const path = `/api/v1/namespaces/${ns}/configmaps/settings`;
  const patch = { data: { colour: 'red' } };
  const { status } = await client.send('PATCH', path, patch, {
    contentType: 'application/merge-patch+json',
  });
  assert.equal(status, 200);
  const second = `${settings.replaceAll('settings', 'second')}`;
  write(`${settings}---\n${second}`);
  const corrected = await deployer();
  assert.equal(corrected.code, 0, JSON.stringify(corrected.report));
  assert.equal((await client.expect<{ data: { colour: string } }>('GET', path)).data.colour, 'blue');
  write(second);
  const pruned = await deployer();
  assert.equal(told(pruned.report)[`/ConfigMap/${ns}/settings`]?.action, 'pruned', JSON.stringify(pruned));
  assert.equal((await client.send('GET', path)).status, 404);

  write(settings);
  const errorAs = async (serviceAccount: string) => {
    const { code, report } = await acting(serviceAccount)();
    assert.equal(code, 1);
    return report.actions.find(({ error }) => error)?.error ?? JSON.stringify(report);
  };
  assert.match(
    await errorAs(''),
    /User "system:serviceaccount:flotilla-system:flotilla-agent" cannot patch resource "configmaps".*grant the agent by a Role/,
  );
  assert.match(
    await errorAs('  serviceAccount: default\n'),
    /cannot impersonate resource "serviceaccounts".*grant the agent by a Role in namespace tenant or a ClusterRole: .*resourceNames: \["default"\], verbs: \["impersonate"\]/,
  );
  assert.match(
    await errorAs('  serviceAccount: { namespace: flotilla-system, name: flotilla-agent }\n'),
    /service account flotilla-system\/flotilla-agent is in the namespace of the agent itself; no placement may act as it/,
  );
  assert.equal((await client.send('GET', path)).status, 404);
  // The next preset is installed as the same placement, and so much less would have to be approved.
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
  const accounts = `/api/v1/namespaces/${ns}/serviceaccounts`;
  for (const all of [`${rbac}/rolebindings`, `${rbac}/roles`, accounts]) await client.expect('DELETE', all);
});

test('read-only rehearses writes and is refused every one, though RBAC grants them', async () => {
  const readOnly = await install('read-only');
  await plane().client.expect('POST', '/api/v1/namespaces', { metadata: { name: 'watched' } });
  const args = overlay('watched');
  const rehearsed = await run(readOnly, ...args, '--dry-run');
  assert.deepEqual(rehearsed.report.actions, [{ id: '/ConfigMap/watched/settings', action: 'created' }]);
  // A policy is in force some time after it was written.
  const refused = await eventually(
    'the policy',
    async () => {
      const { report } = await run(readOnly, ...args, '--wait', '0s');
      const [action] = report.actions;
      if (action?.action === 'failed') return action.error;
      await plane().client.send('DELETE', '/api/v1/namespaces/watched/configmaps/settings');
      return undefined;
    },
    PATIENCE_MS,
    NEVER,
  );
  assert.match(refused, /may only rehearse \(dryRun=All\), never write/);
  assert.equal(
    (await plane().client.send('GET', '/api/v1/namespaces/watched/configmaps/settings')).status,
    404,
  );
  const again = await run(readOnly, ...args, '--dry-run');
  assert.equal(again.report.actions[0]?.action, 'created');
});
