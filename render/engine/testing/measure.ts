/** Renders one of the hostile overlays in a process of its own and prints what came of it: `node measure.ts NAME`. */
import { openEngine } from '../../engine.ts';

const times = (count: number, one: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => one(index)).join('');
const object = (index: number) => `kind: A\nmetadata: {name: a${index}}\n---\n`;
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
    'a.yaml': times(2_000, account),
  }),
};

const files = Object.entries(HOSTILE[process.argv[2]!]!()).map(
  ([path, text]) => [path, { bytes: Buffer.from(text), mode: 'file' as const }] as const,
);
const start = performance.now();
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
process.stdout.write(JSON.stringify({ said, ms: performance.now() - start, mb: maxRSS / 1024 }));
