import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import { obtainTools } from '#tools/obtain.ts';
import { openEngine } from '../engine.ts';
import { checkObjects, expandLists, type KubeObject } from '../objects.ts';
import { renderAssignment } from '../render.ts';
import { assignmentOf } from '../testing/assignment.ts';
import { readYaml } from '../yaml/read.ts';
import { openHelm } from './helm.ts';
import { withCharts } from './inflate.ts';

const CHARTS = join(import.meta.dirname, '../../test/fixtures/charts');
const { signal } = new AbortController();
let home: string;
let helm: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-charts-'));
  ({ helm } = await obtainTools(['helm']));
});
after(() => rm(home, { recursive: true, force: true }));

type More = {
  values?: Assignment['values'];
  kubeVersion?: string;
  apiVersions?: string[];
  files?: Record<string, string>;
};

/** Renders an overlay with one chart of the fixtures the way hub, agent and CLI do. */
async function render(
  kustomization: string,
  { values = {}, files = {}, ...more }: More = {},
): Promise<KubeObject[]> {
  const store = new MemoryObjects();
  const charts = globSync('**/*.{yaml,tpl,txt,json}', { cwd: CHARTS }).map(
    (path) => [`app/charts/${path}`, readFileSync(join(CHARTS, path))] as const,
  );
  const rootTree = store.snapshot({
    ...Object.fromEntries(charts),
    'app/kustomization.yaml': kustomization,
    ...files,
  });
  const renderer = withCharts(openEngine(), () => openHelm({ binary: helm, scratch: home }));
  const assignment = assignmentOf('app', {
    values,
    ...(!kustomization.includes('kubeVersion') && { kubeVersion: '1.31' }),
    ...more,
  });
  return (await renderAssignment({ objects: store, rootTree, assignment, renderer }, signal)).objects;
}

/** What helm itself makes of the chart, without tests. */
function template(chart: string, values: string, ...args: string[]): KubeObject[] {
  const versions = args.includes('--kube-version') ? [] : ['--kube-version', '1.31'];
  const text = execFileSync(
    helm,
    ['template', 'rel', join(CHARTS, chart), '--values', '-', ...versions, ...args],
    {
      input: values,
      encoding: 'utf8',
      env: { HOME: home },
    },
  );
  return checkObjects(expandLists(readYaml(text).map(({ value }) => value)), chart);
}

const indented = (text: string) => text.replace(/^(?=.)/gm, '    ');

const CASES: readonly [chart: string, values: string, extra: string, args: string[]][] = [
  ['certificates', '{}', '', []],
  [
    'certificates',
    'replicaCount: 3\nextraArgs: [--x=y, "1"]\npodLabels: {a: b}\nresources: {limits: {memory: 1Gi}}\nprometheus: {servicemonitor: {enabled: true}}\n',
    'namespace: certs, includeCRDs: true, apiVersions: [monitoring.coreos.com/v1], kubeVersion: "1.30"',
    [
      '--namespace',
      'certs',
      '--include-crds',
      '--api-versions',
      'monitoring.coreos.com/v1',
      '--kube-version',
      '1.30',
    ],
  ],
  ['edge', '{}', '', []],
  [
    'edge',
    'controller:\n  kind: DaemonSet\n  config: {use-gzip: true, workers: 4}\n  tolerations: [{operator: Exists}]\n  extraEnvs: [{name: A, value: "1"}]\n  service: {annotations: {x: "y"}, ports: {https: 8443}}\n  ingressClassResource: {default: true}\ntcp: {"9000": default/web:80}\n',
    'namespace: edge',
    ['--namespace', 'edge'],
  ],
  ['edge', 'controller: {autoscaling: {enabled: true}}\n', 'kubeVersion: "1.22"', ['--kube-version', '1.22']],
  ['monitoring', '{}', '', []],
  [
    'monitoring',
    'global: {clusterName: fra-1}\nprometheus: {replicas: 2, externalLabels: {zone: a}, storage: {size: 10Gi}}\ndashboards: {replicas: 2, adminPassword: x}\nalertmanager: {enabled: false}\n',
    '',
    [],
  ],
  ['monitoring', 'dashboards: {enabled: false}\nrules: {create: false}\n', '', []],
];

for (const [chart, values, extra, args] of CASES) {
  test(`${chart} renders to what helm makes of it, with ${JSON.stringify(values)} ${extra}`, async () => {
    const entry = `{name: ${chart}, releaseName: rel${extra && `, ${extra}`}}`;
    const inline = `helmCharts:\n- name: ${chart}\n  releaseName: rel\n${extra
      .split(/, (?=\w+:)/)
      .filter(Boolean)
      .map((field) => `  ${field}\n`)
      .join('')}  valuesInline:\n${indented(values)}\n`;
    assert.deepEqual(await render(inline), template(chart, values, ...args), entry);
  });
}

test('declared values are put into the values of the chart, typed, before it is templated', async () => {
  const from = 'clusters/c.yaml';
  const objects = await render(
    'helmCharts:\n- {name: certificates, releaseName: rel, valuesFile: values.yaml}\nnamePrefix: eu-\n',
    {
      files: {
        'app/values.yaml':
          'replicaCount: ${n}\nwebhook: {enabled: "${hook}"}\npodLabels: {env: "is-${n}", other: "${HOME}"}\n',
      },
      values: { n: { value: 3, from }, hook: { value: false, from } },
    },
  );
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as unknown as {
    metadata: { name: string };
    spec: { replicas: number; template: { metadata: { labels: Record<string, string> } } };
  };
  assert.equal(deployment.metadata.name, 'eu-rel-certificates');
  assert.equal(deployment.spec.replicas, 3);
  assert.deepEqual(deployment.spec.template.metadata.labels, {
    'app.kubernetes.io/instance': 'rel',
    env: 'is-3',
    other: '${HOME}',
  });
  assert.ok(!objects.some(({ kind }) => kind === 'ValidatingWebhookConfiguration'));
});

test('the versions of the cluster come from Git, and win over those of the entry', async () => {
  const objects = await render(
    'helmCharts:\n- {name: edge, releaseName: rel, kubeVersion: "1.30", valuesInline: {controller: {autoscaling: {enabled: true}}}}\n',
    { kubeVersion: '1.22' },
  );
  assert.equal(
    objects.find(({ kind }) => kind === 'HorizontalPodAutoscaler')?.apiVersion,
    'autoscaling/v2beta2',
  );
});

test('tests are dropped, other hooks are refused with their name', async () => {
  const objects = await render('helmCharts: [{name: certificates, releaseName: rel}]\n');
  assert.ok(!objects.some(({ kind }) => kind === 'Pod'));
  const kustomization =
    'helmCharts: [{name: certificates, releaseName: rel, valuesInline: {startupapicheck: {enabled: true}}}]\n';
  await assert.rejects(render(kustomization), {
    code: 'render-refused',
    message: /Job\/rel-certificates-startupapicheck is a Helm hook \(helm.sh\/hook: post-install\)/,
  });
});

test('a chart without a version of Kubernetes is refused, because helm would take its own', async () => {
  await assert.rejects(render('# kubeVersion\nhelmCharts: [{name: edge, releaseName: r}]\n'), {
    code: 'render-failed',
    message: /kubeVersion: needs a kubeVersion: set it in the Cluster/,
  });
});

const REFUSED: readonly [why: string, entry: string, code: string, message: RegExp][] = [
  [
    'a release without a name',
    '{name: edge}',
    'render-failed',
    /helmCharts\[0\]: releaseName: needs a releaseName/,
  ],
  ['an unknown field', '{name: edge, releaseName: r, value: {}}', 'render-failed', /unknown field value/],
  [
    'a value that is missing',
    '{name: monitoring, releaseName: r, valuesInline: {global: {clusterName: ""}}}',
    'render-failed',
    /a cluster name/,
  ],
  [
    'a name that is made by a template',
    '{name: edge, releaseName: r, nameTemplate: x}',
    'render-unsupported',
    /write releaseName/,
  ],
  [
    'a Kubernetes that the chart does not want',
    '{name: certificates, releaseName: r, kubeVersion: "1.20"}',
    'render-failed',
    /kubeVersion/,
  ],
];
for (const [why, entry, code, message] of REFUSED) {
  test(`${why} is refused`, async () => {
    await assert.rejects(render(`helmCharts: [${entry}]\n`), { code, message });
  });
}
