import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { RenderInput } from '#render/renderer.ts';
import { obtainTools } from '#tools/obtain.ts';
import { openRenderers } from './renderers.ts';

const { signal } = new AbortController();
const fleet = (fallback: 'none' | 'kustomize') => ({ spec: { render: { fallback } } }) as Fleet;
let dataDir: string;
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'flotilla-renderers-test-'));
});
after(async () => rm(dataDir, { recursive: true, force: true }));

/** An object that brings a note of kustomize's own along, which the engine does not follow. */
const FILES: Record<string, string> = {
  'kustomization.yaml': 'resources: [a.yaml]\n',
  'a.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {internal.config.kubernetes.io/needsHashSuffix: enabled}}\n',
};
const input: RenderInput = {
  ...{ path: '', components: [], options: {}, usesCharts: false },
  files: new Map(
    Object.entries(FILES).map(([path, text]) => [path, { bytes: Buffer.from(text), mode: 'file' as const }]),
  ),
};

test('kustomize renders what the engine does not, only where flotilla.yaml allows it', async () => {
  const { kustomize } = await obtainTools(['kustomize']);
  const renderers = openRenderers({ kustomize, helm: undefined, path: '', dataDir });
  const [object] = await renderers(fleet('kustomize')).render(input, signal);
  assert.match((object as { metadata: { name: string } }).metadata.name, /^a-[a-z0-9]{10}$/);
  for (const one of [undefined, fleet('none')])
    await assert.rejects(renderers(one).render(input, signal), { code: 'render-unsupported' });
});

test('a program that is not there is missed when it is needed, and not before', async () => {
  const renderers = openRenderers({ kustomize: undefined, helm: undefined, path: '/nowhere', dataDir });
  await assert.rejects(renderers(fleet('kustomize')).render(input, signal), {
    code: 'render-tool-missing',
    message: /kustomize is not on the PATH, and FLOTILLA_KUSTOMIZE/,
  });
  const charts = { ...input, usesCharts: true };
  await assert.rejects(renderers(undefined).render(charts, signal), {
    code: 'render-tool-missing',
    message: /helm/,
  });
});
