import assert from 'node:assert/strict';
import { JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { configMap, deployment } from '../objects.ts';

/** JSON patch, merge patch and strategic merge patch. */
export const PATCHES: readonly Case[] = [
  law('a JSON patch adds, replaces, removes, moves and copies', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.post(
      path('v1', 'configmaps'),
      configMap('cm', { a: '1', b: '2' }, { annotations: { 'x/y': '3' } }),
    );
    const { code, body } = await api.patch(at, JSON_PATCH, [
      { op: 'replace', path: '/data/a', value: '10' },
      { op: 'remove', path: '/data/b' },
      { op: 'move', from: '/metadata/annotations/x~1y', path: '/data/moved' },
      { op: 'copy', from: '/data/a', path: '/data/copied' },
      { op: 'add', path: '/metadata/labels', value: { l: 'v' } },
    ]);
    assert.equal(code, 200);
    assert.deepEqual(body.data, { a: '10', moved: '3', copied: '10' });
    assert.deepEqual(body.metadata.labels, { l: 'v' });
  }),
  law('a JSON patch changes elements of lists by index', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const object = deployment('web', (spec) => {
      spec.template.spec.containers[0].args = ['a', 'c'];
    });
    await api.post(path('apps/v1', 'deployments'), object);
    const args = '/spec/template/spec/containers/0/args';
    const { body } = await api.patch(at, JSON_PATCH, [
      { op: 'add', path: `${args}/1`, value: 'b' },
      { op: 'add', path: `${args}/-`, value: 'd' },
      { op: 'remove', path: `${args}/0` },
    ]);
    assert.deepEqual(body.spec.template.spec.containers[0].args, ['b', 'c', 'd']);
  }),
  law('a JSON patch whose test fails, or whose path is missing, changes nothing', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const { body: before } = await api.post(path('v1', 'configmaps'), configMap('cm', { a: '1' }));
    for (const last of [
      { op: 'test', path: '/data/a', value: '2' },
      { op: 'remove', path: '/data/none' },
    ]) {
      const { code, body } = await api.patch(at, JSON_PATCH, [
        { op: 'replace', path: '/data/a', value: '9' },
        last,
      ]);
      assert.deepEqual(
        [code, body.reason, body.message],
        [422, 'Invalid', 'the server rejected our request due to an error in our request'],
      );
    }
    assert.deepEqual((await api.get(at)).body, before);
  }),
  law('a JSON patch with a test on resourceVersion goes through once', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const { body } = await api.post(path('v1', 'configmaps'), configMap('cm', { a: '1' }));
    const patch = [
      { op: 'test', path: '/metadata/resourceVersion', value: body.metadata.resourceVersion },
      { op: 'remove', path: '/data/a' },
    ];
    assert.equal((await api.patch(at, JSON_PATCH, patch)).code, 200);
    assert.equal((await api.patch(at, JSON_PATCH, patch)).code, 422);
  }),
  law('a merge patch replaces lists and removes what is null', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    await api.post(path('apps/v1', 'deployments'), deployment('web'));
    const containers = [{ name: 'only', image: 'o:1' }];
    const { body } = await api.patch(at, MERGE_PATCH, {
      metadata: { labels: { a: 'b', c: null } },
      spec: { template: { spec: { containers } }, revisionHistoryLimit: null },
    });
    assert.deepEqual(body.metadata.labels, { a: 'b' });
    assert.equal(body.spec.revisionHistoryLimit, 10);
    assert.deepEqual(
      body.spec.template.spec.containers.map((c: { name: string }) => c.name),
      ['only'],
    );
  }),
  law('a merge patch with an old resourceVersion conflicts', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.post(path('v1', 'configmaps'), configMap('cm', { a: '1' }));
    const { code } = await api.patch(at, MERGE_PATCH, {
      metadata: { resourceVersion: '1' },
      data: { a: '2' },
    });
    assert.equal(code, 409);
  }),
  law('a strategic patch merges lists by key and obeys its directives', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const object = deployment('web', (spec) => {
      spec.template.spec.containers[0].env = [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ];
    });
    await api.post(path('apps/v1', 'deployments'), object);
    const patch = (container: object, more: object = {}) =>
      api.patch(at, STRATEGIC_PATCH, { spec: { template: { spec: { containers: [container], ...more } } } });
    const envOf = ({ body }: Awaited<ReturnType<typeof patch>>) =>
      body.spec.template.spec.containers[0].env?.map(
        (e: { name: string; value: string }) => `${e.name}=${e.value}`,
      );

    const changed = await patch({ name: 'web', image: 'w:2', env: [{ name: 'B', value: '3' }] });
    assert.deepEqual(
      [changed.body.spec.template.spec.containers[0].image, envOf(changed)],
      ['w:2', ['A=1', 'B=3']],
    );
    const removed = await patch({ name: 'web', env: [{ name: 'A', $patch: 'delete' }] });
    assert.deepEqual(envOf(removed), ['B=3']);
    const ordered = await patch({
      name: 'web',
      $setElementOrder_env: undefined,
      '$setElementOrder/env': [{ name: 'C' }, { name: 'B' }],
      env: [{ name: 'C', value: '1' }],
    });
    assert.deepEqual(envOf(ordered), ['C=1', 'B=3']);
    const replaced = await patch({ name: 'web', env: [{ $patch: 'replace' }, { name: 'Z', value: '1' }] });
    assert.deepEqual(envOf(replaced), ['Z=1']);
    const added = await patch({ name: 'side', image: 's:1' });
    assert.equal(added.body.spec.template.spec.containers.length, 2);
    const gone = await patch({ name: 'side', $patch: 'delete' });
    assert.equal(gone.body.spec.template.spec.containers.length, 1);
  }),
  law('a strategic patch keeps only the keys it says to retain', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    await api.post(path('apps/v1', 'deployments'), deployment('web'));
    const { body } = await api.patch(at, STRATEGIC_PATCH, {
      spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    });
    assert.deepEqual(body.spec.strategy, { type: 'Recreate' });
  }),
  law('finalizers merge as a set and leave by name', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.post(path('v1', 'configmaps'), configMap('cm', {}, { finalizers: ['example.org/a'] }));
    const { body: both } = await api.patch(at, STRATEGIC_PATCH, {
      metadata: { finalizers: ['example.org/b'] },
    });
    assert.deepEqual([...both.metadata.finalizers].sort(), ['example.org/a', 'example.org/b']);
    const { body: one } = await api.patch(at, STRATEGIC_PATCH, {
      metadata: { '$deleteFromPrimitiveList/finalizers': ['example.org/a'] },
    });
    assert.deepEqual(one.metadata.finalizers, ['example.org/b']);
    await api.patch(at, MERGE_PATCH, { metadata: { finalizers: null } });
  }),
  law('a patch of no known type is a 415', async ({ api, path }) => {
    await api.post(path('v1', 'configmaps'), configMap('cm', {}));
    const { code, body } = await api.patch(path('v1', 'configmaps', 'cm'), 'application/json', {});
    assert.deepEqual([code, body.reason], [415, 'UnsupportedMediaType']);
  }),
];
