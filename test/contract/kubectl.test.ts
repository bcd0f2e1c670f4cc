import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import type { Sim } from '#sim/server.ts';
import { startSim } from '#sim/server.ts';
import { runOwned } from '#tools/owned.ts';
import type { Scratch } from '../bed/scratch.ts';
import { makeScratch } from '../bed/scratch.ts';
import type { Loose } from './api.ts';
import { cannotRunHere } from './cannot-run.ts';
import { until } from './case.ts';
import { configMap, deployment, widget, widgetCrd } from './objects.ts';
import { owners } from './ownership.ts';

/** What people type: kubectl against the simulation. */

let scratch: Scratch;
let sim: Sim;
let hasKubectl = false;

before(async () => {
  scratch = await makeScratch('kubectl');
  sim = await startSim({ clusters: ['people'], readyDelay: 50 });
  writeFileSync(join(scratch.dir, 'kubeconfig'), sim.kubeconfig('people'), { mode: 0o600 });
  hasKubectl = (await runOwned('kubectl', ['version', '--client'])).code === 0;
});

after(async () => {
  await sim?.close();
  await scratch?.[Symbol.asyncDispose]();
});

/** Registers a test that needs kubectl, and says so loudly where there is none. */
function withKubectl(name: string, run: () => Promise<void>): void {
  test(name, { timeout: 180_000 }, async () => {
    if (hasKubectl) await run();
    else cannotRunHere(name, 'kubectl is not on the PATH');
  });
}

function flags(): string[] {
  return [`--kubeconfig=${join(scratch.dir, 'kubeconfig')}`, `--cache-dir=${join(scratch.dir, 'cache')}`];
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function attempt(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  return runOwned('kubectl', [...flags(), ...args], { env: { ...process.env, ...env } });
}

/** Runs kubectl, which has to succeed. */
async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await attempt(args);
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

function file(name: string, ...objects: Loose[]): string {
  const path = join(scratch.dir, name);
  const [only, ...more] = objects;
  const whole = more.length === 0 ? only : { apiVersion: 'v1', kind: 'List', items: objects };
  writeFileSync(path, JSON.stringify(whole));
  return path;
}

const read = async (kind: string, name: string, namespace = 'default'): Promise<Loose> =>
  JSON.parse(await kubectl('get', kind, name, '-n', namespace, '-o', 'json', '--show-managed-fields'));

withKubectl('get lists namespaces as a table, in JSON, in YAML and by name', async () => {
  assert.match(await kubectl('get', 'ns'), /^NAME +STATUS +AGE\ndefault +Active +\d+s/);
  assert.equal(await kubectl('get', 'ns', 'default', '-o', 'name'), 'namespace/default');
  assert.match(await kubectl('get', 'ns', 'default', '-o', 'yaml'), /^apiVersion: v1\nkind: Namespace\n/);
  assert.equal(JSON.parse(await kubectl('get', 'ns', '-o', 'json')).items.length, 4);
  const missing = await attempt(['get', 'cm', 'none']);
  assert.equal(missing.stderr.trim(), 'Error from server (NotFound): configmaps "none" not found');
});

withKubectl('apply --server-side creates, repeats, conflicts and is forced', async () => {
  const path = file('web.json', deployment('web'));
  assert.equal(await kubectl('apply', '--server-side', '-f', path), 'deployment.apps/web serverside-applied');
  await kubectl('apply', '--server-side', '-f', path);
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=120s');
  const changed = file(
    'web2.json',
    deployment('web', (spec) => {
      spec.replicas = 2;
    }),
  );
  const refused = await attempt(['apply', '--server-side', '--field-manager=other', '-f', changed]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /Apply failed with 1 conflict: conflict with "kubectl": \.spec\.replicas/);
  await kubectl('apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', changed);
  assert.equal((await read('deployment', 'web')).spec.replicas, 2);
});

withKubectl('apply --server-side refuses a field that does not exist', async () => {
  const path = file('wrong.json', configMap('wrong', {}, { lables: { a: 'b' } }));
  const { code, stderr } = await attempt(['apply', '--server-side', '-f', path]);
  assert.notEqual(code, 0);
  assert.match(stderr, /\.metadata\.lables: field not declared in schema/);
});

withKubectl('apply from the client creates, patches and prunes what was removed', async () => {
  await kubectl('apply', '-f', file('c1.json', configMap('client', { a: '1', b: '2' })));
  const output = await kubectl('apply', '-f', file('c2.json', configMap('client', { a: '3' })));
  assert.equal(output, 'configmap/client configured');
  const { data, metadata } = await read('cm', 'client');
  assert.deepEqual(data, { a: '3' });
  assert.match(metadata.annotations['kubectl.kubernetes.io/last-applied-configuration'], /"a":"3"/);
  const again = await kubectl('apply', '-f', file('c2.json', configMap('client', { a: '3' })));
  assert.equal(again, 'configmap/client unchanged');
  await kubectl('apply', '-f', file('d1.json', deployment('client')));
  const more = deployment('client', (spec) => {
    spec.template.spec.containers[0].env = [{ name: 'A', value: '1' }];
  });
  await kubectl('apply', '-f', file('d2.json', more));
  const { spec } = await read('deployment', 'client');
  assert.deepEqual(spec.template.spec.containers[0].env, [{ name: 'A', value: '1' }]);
  await kubectl('apply', '--server-side', '-f', file('d2.json', more));
});

withKubectl('edit takes the edited field into an entry of kubectl-edit', async () => {
  await kubectl(
    'apply',
    '--server-side',
    '--field-manager=ours',
    '-f',
    file('edit.json', deployment('edit')),
  );
  const editor = join(scratch.dir, 'editor.sh');
  writeFileSync(editor, '#!/bin/sh\nsed -i -e "s/replicas: 1/replicas: 5/" -e "s/web:1/web:2/" "$1"\n');
  chmodSync(editor, 0o755);
  const edited = await attempt(['edit', 'deployment', 'edit'], { KUBE_EDITOR: editor });
  assert.equal(edited.code, 0, edited.stderr);
  const object = await read('deployment', 'edit');
  assert.equal(object.spec.replicas, 5);
  assert.equal(
    owners(object)[0],
    'kubectl-edit Update apps/v1: spec.replicas spec.template.spec.containers[name="web"].image',
  );
});

withKubectl('patch, scale, set, label and annotate write as people expect', async () => {
  await kubectl(
    'apply',
    '--server-side',
    '-f',
    file('many.json', deployment('many'), configMap('many', { a: '1' })),
  );
  await kubectl('patch', 'deployment', 'many', '-p', '{"spec":{"replicas":2}}');
  await kubectl('patch', 'deployment', 'many', '--type=merge', '-p', '{"spec":{"paused":true}}');
  await kubectl('patch', 'cm', 'many', '--type=json', '-p', '[{"op":"add","path":"/data/b","value":"2"}]');
  await kubectl('scale', 'deployment/many', '--replicas=3');
  await kubectl('set', 'image', 'deployment/many', 'web=registry.example/web:9');
  await kubectl('set', 'env', 'deployment/many', 'COLOUR=red');
  await kubectl('label', 'deployment', 'many', 'tier=gold');
  await kubectl('annotate', 'cm', 'many', 'note=hello');
  const object = await read('deployment', 'many');
  assert.deepEqual([object.spec.replicas, object.spec.paused], [3, true]);
  assert.equal(object.spec.template.spec.containers[0].image, 'registry.example/web:9');
  assert.deepEqual(object.spec.template.spec.containers[0].env, [{ name: 'COLOUR', value: 'red' }]);
  const managers = owners(object).map((line) => line.split(' ').slice(0, 2).join(' '));
  assert.deepEqual(managers, [
    'kubectl Apply',
    'kubectl Update/scale',
    'kubectl-label Update',
    'kubectl-patch Update',
    'kubectl-set Update',
  ]);
  assert.deepEqual((await read('cm', 'many')).data, { a: '1', b: '2' });
  assert.equal(
    await kubectl('get', 'deployments', '-A', '-l', 'tier=gold', '-o', 'name'),
    'deployment.apps/many',
  );
});

withKubectl('create makes what its words say', async () => {
  await kubectl('create', 'namespace', 'made');
  await kubectl('create', 'configmap', 'made', '-n', 'made', '--from-literal=a=1');
  assert.deepEqual((await read('cm', 'made', 'made')).data, { a: '1' });
  await kubectl('create', 'secret', 'generic', 'made', '-n', 'made', '--from-literal=a=1');
  assert.deepEqual((await read('secret', 'made', 'made')).data, { a: 'MQ==' });
  const image = ['--image=registry.example/web:1', '--replicas=2', '--port=80'];
  await kubectl('create', 'deployment', 'made', '-n', 'made', ...image);
  const { spec } = await read('deployment', 'made', 'made');
  assert.deepEqual([spec.replicas, spec.selector.matchLabels], [2, { app: 'made' }]);
  assert.deepEqual(spec.template.spec.containers[0].ports, [{ containerPort: 80, protocol: 'TCP' }]);
  await kubectl('create', 'quota', 'made', '-n', 'made', '--hard=cpu=1500m');
  assert.deepEqual((await read('quota', 'made', 'made')).spec.hard, { cpu: '1500m' });
  await kubectl('create', 'ingress', 'made', '-n', 'made', '--rule=a.example/=made:80');
  await kubectl('create', 'cronjob', 'made', '-n', 'made', '--image=i:1', '--schedule=* * * * *');
  await kubectl('create', 'rolebinding', 'made', '-n', 'made', '--clusterrole=view', '--user=jo');
  await kubectl(
    'create',
    'poddisruptionbudget',
    'made',
    '-n',
    'made',
    '--selector=a=b',
    '--min-available=50%',
  );
  assert.equal((await read('pdb', 'made', 'made')).spec.minAvailable, '50%');
  const again = await attempt(['create', 'configmap', 'made', '-n', 'made']);
  assert.match(again.stderr, /configmaps "made" already exists/);
});

withKubectl('diff and explain work', async () => {
  await kubectl('create', 'namespace', 'differs');
  await kubectl('create', 'configmap', 'made', '-n', 'differs', '--from-literal=a=1');
  const path = file('diff.json', configMap('made', { a: '2' }, { namespace: 'differs' }));
  const diff = await attempt(['diff', '--server-side', '--force-conflicts', '-f', path]);
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /-\s+a: "1"\n\+\s+a: "2"/);
  assert.match(await kubectl('explain', 'deployment.spec.strategy'), /FIELDS:[\s\S]*rollingUpdate/);
});

withKubectl('delete waits until objects are gone, namespaces included', async () => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' } };
  const inside = configMap('cm', {}, { namespace: 'going' });
  const path = file('going.json', namespace, inside, configMap('left', {}, { namespace: 'going' }));
  await kubectl('apply', '--server-side', '-f', path);
  assert.equal(await kubectl('delete', 'cm', 'cm', '-n', 'going'), 'configmap "cm" deleted');
  assert.equal(await kubectl('delete', 'ns', 'going', '--timeout=120s'), 'namespace "going" deleted');
  await kubectl('apply', '--server-side', '-f', file('fore.json', configMap('fore', {})));
  await kubectl('delete', 'cm', 'fore', '--cascade=foreground', '--timeout=120s');
});

withKubectl('a CRD and its objects are applied and read by short name', async () => {
  const crd = widgetCrd('kubectl.example.org');
  await kubectl('apply', '--server-side', '-f', file('crd.json', crd));
  await kubectl('wait', 'crd/widgets.kubectl.example.org', '--for=condition=Established', '--timeout=120s');
  const path = file('widget.json', widget('kubectl.example.org', 'w', { size: 1 }));
  await kubectl('apply', '--server-side', '-f', path);
  assert.equal(await kubectl('get', 'wd', '-o', 'jsonpath={.items[0].spec.colour}'), 'grey');
});

withKubectl('get -w shows a change when it happens', async () => {
  await kubectl('apply', '--server-side', '-f', file('watched.json', configMap('watched', {})));
  const args = [...flags(), 'get', 'cm', 'watched', '-w', '-o', 'jsonpath={.data}{"\\n"}'];
  const watching = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const lines: string[] = [];
    createInterface({ input: watching.stdout }).on('line', (line) => lines.push(line));
    await until(
      'the first state',
      async () => lines,
      (seen) => seen.length === 1,
    );
    await kubectl('patch', 'cm', 'watched', '-p', '{"data":{"a":"1"}}');
    await until(
      'the change',
      async () => lines,
      (seen) => seen.includes('{"a":"1"}'),
    );
  } finally {
    watching.kill('SIGKILL');
  }
});
