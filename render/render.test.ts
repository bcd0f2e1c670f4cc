import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import { renderAssignment } from './render.ts';
import type { Renderer, RenderInput } from './renderer.ts';
import type { Json } from './yaml/read.ts';

const { signal } = new AbortController();

/** Renders the same objects whatever it is given, and keeps what it was given. */
class FixedRenderer implements Renderer {
  readonly inputs: RenderInput[] = [];
  readonly #objects: Json[];
  constructor(objects: Json[]) {
    this.#objects = objects;
  }
  async render(input: RenderInput): Promise<Json[]> {
    this.inputs.push(input);
    return this.#objects;
  }
}

const object = (kind: string, name: string, more: { [key: string]: Json } = {}): Json => ({
  apiVersion: 'v1',
  kind,
  metadata: { name },
  ...more,
});

const ASSIGNMENT: Assignment = {
  cluster: 'c1',
  placement: 'web',
  path: 'apps/web/prod',
  components: ['apps/web/eu'],
  namespace: 'web',
  createNamespace: true,
  prune: true,
  values: { replicas: { value: 3, from: 'a test' }, domain: { value: 'eu.example', from: 'a test' } },
  apiVersions: [],
};

async function render(objects: Json[], over: Partial<Assignment> = {}) {
  const store = new MemoryObjects();
  const rootTree = store.snapshot({
    'apps/web/prod/kustomization.yaml': 'resources: [x.yaml]\nsortOptions: {order: fifo}\n',
    'apps/web/prod/x.yaml': 'kind: X\n',
    'apps/web/eu/kustomization.yaml': 'kind: Component\nnamePrefix: eu-\n',
    'secret.txt': 'not for renderers',
  });
  const renderer = new FixedRenderer(objects);
  const rendered = await renderAssignment(
    { objects: store, rootTree, assignment: { ...ASSIGNMENT, ...over }, renderer },
    signal,
  );
  return { ...rendered, input: renderer.inputs[0]! };
}

test('the renderer gets the closure and what the assignment adds to it, and nothing else', async () => {
  const { input } = await render([object('ConfigMap', 'a')]);
  assert.deepEqual([...input.files.keys()].sort(), [
    'apps/web/eu/kustomization.yaml',
    'apps/web/prod/kustomization.yaml',
    'apps/web/prod/x.yaml',
  ]);
  const { files: _, nodes, ...rest } = input;
  assert.deepEqual([...nodes!.keys()], ['apps/web/prod', 'apps/web/eu']);
  assert.deepEqual(rest, {
    path: 'apps/web/prod',
    components: ['apps/web/eu'],
    namespace: 'web',
    options: { sortOptions: { order: 'fifo' } },
    usesCharts: false,
  });
});

test('values are put in, lists expanded, empty documents dropped, and the namespace comes first', async () => {
  const list: Json = {
    apiVersion: 'v1',
    kind: 'List',
    items: [object('Web', 'w', { spec: { replicas: '${replicas}', host: 'w.${domain}' } })],
  };
  const { objects } = await render([null, list, object('ConfigMap', 'c', { data: { n: '${replicas}' } })]);
  assert.deepEqual(objects, [
    object('Namespace', 'web'),
    object('Web', 'w', { spec: { replicas: 3, host: 'w.eu.example' } }),
    object('ConfigMap', 'c', { data: { n: '3' } }),
  ]);
});

test('a namespace is only added where it is asked for and not rendered', async () => {
  const kinds = async (objects: Json[], over: Partial<Assignment>) =>
    (await render(objects, over)).objects.map(({ kind }) => kind);
  assert.deepEqual(await kinds([object('A', 'a')], { createNamespace: false }), ['A']);
  assert.deepEqual(await kinds([object('A', 'a'), object('Namespace', 'web')], {}), ['A', 'Namespace']);
});

test('an overlay that renders to nothing, or to tests only, is an error even where a namespace would be added', async () => {
  const test_: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 't', annotations: { 'helm.sh/hook': 'test' } },
  };
  for (const objects of [[], [null], [test_]])
    await assert.rejects(render(objects), {
      code: 'render-empty',
      message: 'apps/web/prod: renders no object',
    });
});

test('names that only values make equal are a duplicate', async () => {
  const objects = [object('A', 'x-${replicas}'), object('A', 'x-3')];
  await assert.rejects(render(objects), { code: 'object-duplicate' });
});

test('the hash follows what is rendered, the digest what it is rendered from', async () => {
  const [a, b] = [await render([object('A', 'a')]), await render([object('A', 'b')])];
  assert.equal(a.digest, b.digest);
  assert.notEqual(a.renderHash, b.renderHash);
  const c = await render([object('A', 'a')], { prune: false });
  assert.notEqual(c.digest, a.digest);
  assert.equal(c.renderHash, a.renderHash);
});
