import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { once } from '#agent/once/main.ts';
import type { OnceReport } from '#agent/once/report.ts';
import { type ControlPlanes, startControlPlanes } from '#test/bed/control-planes.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { obtainTools } from '#tools/obtain.ts';
import { kustomization, writeFiles } from '../e2e/fleet.ts';

const NEVER = new AbortController().signal;
let planes: ControlPlanes;
let scratch: Awaited<ReturnType<typeof makeScratch>>;
let kustomize: string;

before(async () => {
  scratch = await makeScratch('once');
  ({ kustomize } = await obtainTools(['kustomize']));
  planes = await startControlPlanes(1, { dir: join(scratch.dir, 'planes') });
});
after(async () => {
  await planes?.stop();
  await scratch?.[Symbol.asyncDispose]();
});

const client = () => planes.at(0).client;
const kubeconfig = () => planes.at(0).kubeconfigPath;

async function run(...args: string[]): Promise<{ code: number; out: string; talk: string }> {
  const said = { out: '', talk: '' };
  const code = await once(
    ['--kubeconfig', kubeconfig(), '--kustomize', kustomize, ...args],
    {
      env: {},
      out: (text) => {
        said.out += text;
      },
      talk: (text) => {
        said.talk += text;
      },
    },
    NEVER,
  );
  return { code, ...said };
}

async function report(
  ...args: string[]
): Promise<OnceReport & { code: number; did: Record<string, string> }> {
  const { code, out, talk } = await run(...args, '-o', 'json');
  assert.equal(talk, '');
  const read = JSON.parse(out) as OnceReport;
  const did = Object.fromEntries(read.actions.map(({ id, action }) => [id, action]));
  return { ...read, code, did };
}

/** An overlay in a namespace of its own. */
function overlay(ns: string, more: Readonly<Record<string, string>> = {}): string {
  const dir = join(scratch.dir, ns);
  writeFiles(dir, {
    'kustomization.yaml': `${kustomization('namespace.yaml', 'settings.yaml', 'extra.yaml')}namespace: ${ns}\n`,
    'namespace.yaml': `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${ns} }\n`,
    'settings.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { colour: blue }\n',
    'extra.yaml': 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: extra }\n',
    ...more,
  });
  return dir;
}
const settings = (ns: string) => `/api/v1/namespaces/${ns}/configmaps/settings`;
const edit = (path: string, patch: object, manager: string) =>
  client().send('PATCH', `${path}?fieldManager=${manager}`, patch, {
    contentType: 'application/merge-patch+json',
  });

test('a dry run says what would be created and writes nothing at all, not even the namespace of the agent', async () => {
  const ns = 'once-dry';
  // Nothing of it is waited for: it would never come.
  const patiently = ['--dry-run', '--wait', '10m'];
  const { code, did, ok } = await report('--path', overlay(ns), '--placement', ns, ...patiently);
  assert.deepEqual([code, ok], [1, false]);
  assert.deepEqual(did, {
    '/ConfigMap/once-dry/settings': 'created',
    '/Namespace//once-dry': 'created',
    '/ServiceAccount/once-dry/extra': 'created',
  });
  for (const name of [ns, 'flotilla-system'])
    assert.equal((await client().send('GET', `/api/v1/namespaces/${name}`)).status, 404);
});

test('a pass applies, the next one changes nothing, and what left the directory is pruned', async () => {
  const ns = 'once-apply';
  const dir = overlay(ns);
  const first = await report('--path', dir, '--placement', ns);
  assert.deepEqual([first.code, first.ok], [0, true]);
  assert.ok(first.actions.every(({ action }) => action === 'created'));
  assert.ok(first.health.every(({ health }) => health === 'Current'));
  assert.deepEqual(first.inventory, Object.keys(first.did));
  const before = await client().expect<{ metadata: { resourceVersion: string } }>('GET', settings(ns));
  const second = await report('--path', dir, '--placement', ns);
  assert.equal(second.code, 0);
  assert.ok(second.actions.every(({ action }) => action === 'unchanged'));
  const now = await client().expect<{ metadata: { resourceVersion: string } }>('GET', settings(ns));
  assert.equal(now.metadata.resourceVersion, before.metadata.resourceVersion);
  assert.equal((await report('--path', dir, '--placement', ns, '--dry-run')).code, 0);
  writeFiles(dir, {
    'kustomization.yaml': `${kustomization('namespace.yaml', 'settings.yaml')}namespace: ${ns}\n`,
  });
  const third = await report('--path', dir, '--placement', ns);
  assert.equal(third.did[`/ServiceAccount/${ns}/extra`], 'pruned');
  assert.deepEqual(third.inventory, [`/ConfigMap/${ns}/settings`, `/Namespace//${ns}`]);
});

test('drift is told with who and what; report leaves it, a dry run would take it back, correct does', async () => {
  const ns = 'once-drift';
  const dir = overlay(ns);
  await report('--path', dir, '--placement', ns);
  await edit(settings(ns), { data: { colour: 'red' } }, 'kubectl-edit');
  const told = await report('--path', dir, '--placement', ns, '--mode', 'report');
  const { changedAt, ...drift } = told.drift[0]!;
  assert.deepEqual([told.code, told.ok, told.drift.length], [1, false, 1]);
  assert.ok(changedAt);
  assert.deepEqual(drift, {
    id: `/ConfigMap/${ns}/settings`,
    kind: 'changed',
    path: '/data/colour',
    desired: 'blue',
    live: 'red',
    manager: 'kubectl-edit',
    operation: 'Update',
    corrected: false,
  });
  const would = await report('--path', dir, '--placement', ns, '--dry-run');
  assert.deepEqual([would.code, would.did[`/ConfigMap/${ns}/settings`]], [1, 'configured']);
  const corrected = await report('--path', dir, '--placement', ns);
  assert.deepEqual([corrected.code, corrected.did[`/ConfigMap/${ns}/settings`]], [0, 'configured']);
  assert.deepEqual(
    corrected.drift.map(({ path, corrected }) => [path, corrected]),
    [['/data/colour', true]],
  );
  const { data } = await client().expect<{ data: object }>('GET', settings(ns));
  assert.deepEqual(data, { colour: 'blue' });
});

test('a Placement brings its policy, an entry labels and values; the root is the enclosing work tree', async () => {
  const ns = 'once-files';
  const root = join(scratch.dir, 'repository');
  writeFiles(root, {
    '.git/HEAD': 'ref: refs/heads/main\n',
    'base/settings.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { greeting: "\${greeting}" }
`,
    'base/kustomization.yaml': kustomization('settings.yaml'),
    'apps/web/kustomization.yaml': kustomization('../../base'),
    'more/kustomization.yaml': `apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - patch: '[{"op": "add", "path": "/data/env", "value": "prod"}]'
    target: { kind: ConfigMap }
`,
    'elsewhere.yaml': `apiVersion: flotilla.dev/v1alpha1
kind: Placement
metadata: { name: web }
spec:
  selector: {}
  path: not/used
  namespace: ${ns}
  createNamespace: true
  values: { required: [greeting] }
  components: [{ path: more, selector: { matchLabels: { env: prod } } }]
  drift: { mode: report }
`,
    'one.yaml': `apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: { name: one, labels: { env: prod } }
spec:
  agent: { publicKeys: [UDRMK5H7T5RDVIVWG24OUHLK62RUYB2NKLW4ZQ4MQXCG7GKCY2CXXK6R] }
  values: { greeting: hello }
`,
  });
  const args = ['--path', join(root, 'apps/web'), '--placement', join(root, 'elsewhere.yaml')];
  const without = await run(...args);
  assert.equal(without.code, 2);
  assert.match(without.talk, /cluster local has no value greeting/);
  const given = await report(...args, '--cluster', join(root, 'one.yaml'));
  assert.deepEqual([given.code, given.inventory], [0, [`/ConfigMap/${ns}/settings`, `/Namespace//${ns}`]]);
  const { data } = await client().expect<{ data: object }>('GET', settings(ns));
  assert.deepEqual(data, { env: 'prod', greeting: 'hello' });
  await edit(settings(ns), { data: { env: 'test' } }, 'kubectl-edit');
  // What the entry says of writing holds for people too.
  for (const [word, why] of [
    ['mode: observe', 'only observed'],
    ['suspend: true', 'suspended'],
  ] as const) {
    const entry = readFileSync(join(root, 'one.yaml'), 'utf8').replace('spec:', `spec:\n  ${word}`);
    writeFileSync(join(root, 'stopped.yaml'), entry);
    const { code, talk, out } = await run(
      ...args,
      '--cluster',
      join(root, 'stopped.yaml'),
      '--mode',
      'correct',
    );
    assert.equal(talk, `flotilla agent once: cluster one is ${why}: nothing is written, as with --dry-run\n`);
    assert.equal(code, 1);
    assert.match(out, /^configured +ConfigMap\/once-files\/settings$/m);
    const live = await client().expect<{ data: { env: string } }>('GET', settings(ns));
    assert.equal(live.data.env, 'test');
  }
  const drifted = await report(...args, '--cluster', join(root, 'one.yaml'));
  assert.deepEqual([drifted.code, drifted.drift[0]?.corrected], [1, false]);
});

test('a dry run tells whose fields would be taken over and what would wait for an approval; what is ignored is not waited for', async () => {
  const ns = 'once-told';
  const many = Array.from(
    { length: 6 },
    (_, index) => `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: more-${index} }\n`,
  ).join('');
  const ignored =
    'apiVersion: v1\nkind: Secret\nmetadata: { name: extra, annotations: { flotilla.dev/apply: ignore } }\n';
  const first = await report('--path', overlay(ns, { 'extra.yaml': ignored + many }), '--placement', ns);
  assert.deepEqual([first.code, first.did[`/Secret/${ns}/extra`]], [0, 'skipped']);
  const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made' }, data: { old: 'yes' } };
  const maps = `/api/v1/namespaces/${ns}/configmaps`;
  await client().expect('POST', `${maps}?fieldManager=kubectl-client-side-apply`, made);
  const adopted = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: made }\ndata: { new: "1" }\n';
  const dir = overlay(ns, { 'extra.yaml': adopted });
  const would = await report('--path', dir, '--placement', ns, '--dry-run');
  const told = would.actions.find(({ id }) => id === `/ConfigMap/${ns}/made`);
  assert.deepEqual(told, {
    id: `/ConfigMap/${ns}/made`,
    action: 'configured',
    takenFrom: ['kubectl-client-side-apply'],
  });
  assert.deepEqual([would.code, would.held?.ids.length], [1, 6]);
  assert.ok(would.actions.every(({ action }) => action !== 'pruned'));
  const done = await report('--path', dir, '--placement', ns);
  assert.deepEqual(
    done.actions.find(({ id }) => id === told.id),
    told,
  );
  assert.deepEqual([done.code, done.held], [1, would.held]);
  const { out } = await run('--path', dir, '--placement', ns, '--wait', '0s');
  assert.match(
    out,
    /^held .*; `approvals: \[\{ prune: p[0-9a-f]+ \}\]` in the Placement lets go:\n +ConfigMap\/once-told\//m,
  );
});

test('what was applied once is told where its inventory was deleted and Git has dropped it', async () => {
  const ns = 'once-orphan';
  const more = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: more }\n';
  await report('--path', overlay(ns, { 'extra.yaml': more }), '--placement', ns);
  await client().expect(
    'DELETE',
    '/api/v1/namespaces/flotilla-system/configmaps?labelSelector=flotilla.dev/inventory',
  );
  const account = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: extra }\n';
  const args = ['--path', overlay(ns, { 'extra.yaml': account }), '--placement', ns];
  const { orphans, code } = await report(...args);
  assert.deepEqual([orphans, code], [[`/ConfigMap/${ns}/more`], 0]);
  const { out } = await run(...args);
  assert.match(
    out,
    /^orphan +ConfigMap\/once-orphan\/more was applied once; neither Git nor an inventory names it$/m,
  );
});

test('what has to be deleted and created again is told as such, beforehand and when it is done', async () => {
  const ns = 'once-again';
  const secret = (value: string) =>
    'apiVersion: v1\nkind: Secret\nimmutable: true\nmetadata: { name: extra, annotations: { flotilla.dev/recreate: enabled } }\n' +
    `stringData: { key: "${value}" }\n`;
  await report('--path', overlay(ns, { 'extra.yaml': secret('one') }), '--placement', ns);
  const args = ['--path', overlay(ns, { 'extra.yaml': secret('two') }), '--placement', ns];
  const told = { id: `/Secret/${ns}/extra`, action: 'created', recreated: true };
  const of = ({ actions }: OnceReport) => actions.filter(({ action }) => action !== 'unchanged');
  const { out } = await run(...args, '--dry-run');
  assert.match(out, /^created +Secret\/once-again\/extra \(would be deleted first: a field is immutable\)$/m);
  assert.match(out, /it would change; 3 objects, 2 unchanged$/m);
  assert.deepEqual(of(await report(...args, '--dry-run')), [told]);
  assert.deepEqual(of(await report(...args)), [told]);
  const { did, code } = await report(...args);
  assert.deepEqual([did[told.id], code], ['unchanged', 0]);
});

test('what the API server refuses is an error of that object with its words and its file, and the exit code is 1', async () => {
  const ns = 'once-refused';
  const dir = overlay(ns, {
    'extra.yaml':
      'apiVersion: v1\nkind: Service\nmetadata: { name: extra }\nspec: { ports: [{ port: 99999 }] }\n',
  });
  const { code, actions, did } = await report('--path', dir, '--placement', ns);
  assert.equal(code, 1);
  assert.equal(did[`/ConfigMap/${ns}/settings`], 'created');
  const failed = actions.find(({ action }) => action === 'failed')!;
  assert.match(failed.error!, /between 1 and 65535/);
  assert.equal(failed.source, 'extra.yaml');
  const { out } = await run('--path', dir, '--placement', ns);
  assert.match(out, /^failed +apply Service\/once-refused\/extra: .*between 1 and 65535.* \(extra\.yaml\)$/m);
});

test('an object of another placement is a conflict that names both; nothing is written', async () => {
  const ns = 'once-claimed';
  const dir = overlay(ns);
  await report('--path', dir, '--placement', 'first');
  const { code, ok, error, actions } = await report('--path', dir, '--placement', 'second');
  assert.deepEqual([code, ok, actions], [1, false, []]);
  assert.match(error!, /claimed by placement first, wanted by placement second/);
  assert.match(
    error!,
    /where a placement that is named is gone, take its label flotilla\.dev\/placement off/,
  );
});

/** The kubeconfig of the control plane with something else in it. */
function kubeconfigWith(name: string, from: RegExp, to: string): string {
  const file = join(scratch.dir, `${name}.kubeconfig`);
  writeFileSync(file, readFileSync(kubeconfig(), 'utf8').replace(from, to));
  return file;
}

test('what cannot run ends with 2 and says why, a wrong command line with 64', async () => {
  const dir = overlay('once-wrong');
  mkdirSync(join(scratch.dir, 'once-nothing'));
  const away = kubeconfigWith('away', /https:[^"]*/, 'https://127.0.0.1:1');
  const untrusted = kubeconfigWith('untrusted', /"certificate-authority-data"/, '"unknown"');
  const stranger = kubeconfigWith('stranger', /"token": "[^"]*"/, '"token": "somebody"');
  const cases: [args: string[], code: number, says: RegExp][] = [
    [['--path', join(scratch.dir, 'nowhere'), '--placement', 'web'], 2, /does not exist/],
    [['--path', dir, '--placement', 'Web!'], 2, /neither a name/],
    [['--path', dir, '--placement', join(dir, 'extra.yaml')], 2, /extra\.yaml:.*Placement/],
    [['--path', dir, '--placement', 'web', '--context', 'nobody'], 2, /no context nobody/],
    [['--path', dir, '--placement', 'web', '--kubeconfig', '/dev/null'], 2, /kubeconfig \/dev\/null/],
    [
      ['--path', join(scratch.dir, 'once-nothing'), '--placement', 'web'],
      2,
      /root of the repository: has no kust/,
    ],
    [
      ['--path', dir, '--placement', 'web', '--kubeconfig', away],
      2,
      /API server https:\/\/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/,
    ],
    [
      ['--path', dir, '--placement', 'web', '--kubeconfig', untrusted],
      2,
      /cannot be reached: .*certificate.*; it is not the one that certificate-authority-data/,
    ],
    [
      ['--path', dir, '--placement', 'web', '--kubeconfig', stranger, '--dry-run'],
      2,
      /API server https:.* refuses the credentials of the kubeconfig: .*Unauthorized/,
    ],
    [
      ['--path', dir, '--placement', 'web', '--cluster', join(dir, 'none.yaml')],
      2,
      /none\.yaml cannot be read/,
    ],
    [['--path', dir], 64, /--placement is missing/],
    [['--path', dir, '--placement', 'web', '--wait', 'long'], 64, /--wait not a duration/],
    [['--nonsense'], 64, /nonsense/],
  ];
  for (const [args, code, says] of cases) {
    const ended = await run(...args);
    assert.equal(ended.code, code, ended.talk);
    assert.match(ended.talk, says);
    assert.equal(ended.out, '');
  }
});

test('flotilla agent once hands on its flags, its output and its exit code', () => {
  const ns = 'once-cli';
  const main = join(import.meta.dirname, '../../cli/main.ts');
  const flotilla = (...args: string[]) =>
    spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'agent', ...args], {
      encoding: 'utf8',
      env: { ...process.env, FLOTILLA_KUSTOMIZE: kustomize },
    });
  const dir = overlay(ns);
  const args = ['once', '--path', dir, '--placement', ns, '--kubeconfig', kubeconfig()];
  const done = flotilla(...args, '-o', 'json');
  assert.equal(done.stderr, '');
  assert.equal(done.status, 0);
  assert.equal((JSON.parse(done.stdout) as OnceReport).ok, true);
  rmSync(join(dir, 'extra.yaml'));
  const broken = flotilla(...args);
  assert.equal(broken.status, 2);
  assert.match(broken.stderr, /extra\.yaml/);
  assert.equal(flotilla('twice').status, 64);
});
