/** Renders one of the hostile overlays in a process of its own and prints what came of it: `node measure.ts NAME`. */

import { openEngine } from '../../engine.ts';
import { pace } from '../../testing/pace.ts';

const times = (count: number, one: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => one(index)).join('');
const object = (index: number) => `kind: A\nmetadata: {name: a${index}}\n---\n`;
const over = (fields: string) => ({
  'kustomization.yaml': 'resources: [a.yaml]\n',
  'a.yaml': `kind: A\nmetadata: {name: a}\n${fields}`,
});
const account = (index: number) => `---
kind: ConfigMap
apiVersion: v1
metadata: {name: c, namespace: n${index}}
---
kind: Pod
apiVersion: v1
metadata: {name: p, namespace: n${index}}
spec: {volumes: [{name: v, configMap: {name: c}}]}
`;

const HOSTILE: Readonly<Record<string, () => Record<string, string>>> = {
  documents: () => ({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': times(400_000, object) }),
  items: () => ({
    'kustomization.yaml': 'resources: [a.yaml]\n',
    'a.yaml': `kind: List\nitems:\n${times(400_000, (index) => `- kind: A\n  metadata: {name: a${index}}\n`)}`,
  }),
  patches: () => ({
    'kustomization.yaml': `resources: [a.yaml]\npatches:\n${times(300, (index) => `- {target: {kind: A}, patch: '[{"op": "add", "path": "/k${index}", "value": 1}]'}\n`)}`,
    'a.yaml': times(1_000, object),
  }),
  names: () => ({
    'kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: p-\n',
    'a.yaml': times(8_000, account),
  }),
  slow: () => over(`x: &a 1\ndata:\n${times(24_900, (index) => `- k${index}: *a\n`)}`),
  slower: () => over(`x: &a 1\ndata:\n${times(40_000, (index) => `- k${index}: *a\n`)}`),
  marker: () => ({
    'kustomization.yaml': 'resources: [a.yaml]\n',
    'a.yaml': times(2_000, (index) => `kind: A\nmetadata:\n  name: a${index}\ndata:\n  a: b\n  c: d\n---\n`),
  }),
};

const files = Object.entries(HOSTILE[process.argv[2]!]!()).map(
  ([path, text]) => [path, { bytes: Buffer.from(text), mode: 'file' as const }] as const,
);
const before = process.resourceUsage().maxRSS / 1024;
const start = process.cpuUsage();
const said = await openEngine()
  .render(
    { path: '', components: [], options: {}, usesCharts: false, files: new Map(files) },
    new AbortController().signal,
  )
  .then(
    (objects) => `${objects.length} objects`,
    (error: Error) => error.message,
  );
const { maxRSS } = process.resourceUsage();
const { user, system } = process.cpuUsage(start);
process.stdout.write(
  JSON.stringify({ said, ms: (user + system) / 1000 / pace(), mb: maxRSS / 1024 - before }),
);
