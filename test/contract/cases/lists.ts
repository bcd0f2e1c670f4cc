import assert from 'node:assert/strict';
import { MERGE_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { configMap, deployment } from '../objects.ts';

const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

const names = (list: { items: { metadata: { name: string } }[] }) =>
  list.items.map((item) => item.metadata.name);

/** Lists, selectors, pages and metadata-only forms. */
export const LISTS: readonly Case[] = [
  law('a list is ordered by name and says kind and resourceVersion', async ({ api, path }) => {
    const all = path('apps/v1', 'deployments');
    await api.post(all, deployment('b'));
    const { body: last } = await api.post(all, deployment('a'));
    const { code, body } = await api.get(all);
    assert.equal(code, 200);
    assert.deepEqual([body.kind, body.apiVersion], ['DeploymentList', 'apps/v1']);
    assert.deepEqual(names(body), ['a', 'b']);
    assert.ok(Number(body.metadata.resourceVersion) >= Number(last.metadata.resourceVersion));
    assert.equal(body.items[0].kind, undefined);
  }),
  law('an empty list has no items, not null', async ({ api, path }) => {
    const { body } = await api.get(path('v1', 'secrets'));
    assert.deepEqual(body.items, []);
  }),
  law('label selectors know equality, sets and existence', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    for (const [name, labels] of [
      ['a', { env: 'prod', tier: 'x' }],
      ['b', { env: 'dev' }],
      ['c', {}],
    ] as const) {
      await api.post(all, configMap(name, {}, { labels: { ...labels, mine: 'yes' } }));
    }
    const select = async (selector: string) =>
      names((await api.get(`${all}?labelSelector=${encodeURIComponent(`mine,${selector}`)}`)).body);
    assert.deepEqual(await select('env=prod'), ['a']);
    assert.deepEqual(await select('env==prod,tier=x'), ['a']);
    assert.deepEqual(await select('env!=prod'), ['b', 'c']);
    assert.deepEqual(await select('env in (prod, dev)'), ['a', 'b']);
    assert.deepEqual(await select('env notin (prod)'), ['b', 'c']);
    assert.deepEqual(await select('env'), ['a', 'b']);
    assert.deepEqual(await select('!env'), ['c']);
    assert.equal((await api.get(`${all}?labelSelector=a%20b`)).code, 400);
  }),
  law('field selectors know metadata.name and metadata.namespace', async ({ api, path, namespace }) => {
    const all = path('v1', 'configmaps');
    await api.post(all, configMap('a', {}));
    await api.post(all, configMap('b', {}));
    assert.deepEqual(names((await api.get(`${all}?fieldSelector=metadata.name%3Db`)).body), ['b']);
    const everywhere = `/api/v1/configmaps?fieldSelector=metadata.namespace%3D${namespace},metadata.name%3Da`;
    assert.deepEqual(names((await api.get(everywhere)).body), ['a']);
    assert.equal((await api.get(`${all}?fieldSelector=spec.foo%3Da`)).code, 400);
  }),
  law('pages follow each other by token and show one state', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await api.post(all, configMap(name, {}, { labels: { page: 'me' } }));
    }
    const page = async (token: string) =>
      (await api.get(`${all}?labelSelector=page%3Dme&limit=2&continue=${encodeURIComponent(token)}`)).body;
    const first = await page('');
    assert.deepEqual(names(first), ['a', 'b']);
    const second = await page(first.metadata.continue);
    const third = await page(second.metadata.continue);
    assert.deepEqual([names(second), names(third)], [['c', 'd'], ['e']]);
    assert.ok(!third.metadata.continue);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  }),
  law(
    'metadata alone is served for an object and for a list, managedFields included',
    async ({ api, path }) => {
      const all = path('apps/v1', 'deployments');
      const object = deployment('web', (_, whole) => {
        whole.metadata.labels = { a: 'b' };
      });
      await api.apply(`${all}/web`, 'ours', object);
      const { body: one } = await api.get(`${all}/web`, { accept: PARTIAL });
      assert.deepEqual(Object.keys(one).sort(), ['apiVersion', 'kind', 'metadata']);
      assert.deepEqual([one.kind, one.apiVersion], ['PartialObjectMetadata', 'meta.k8s.io/v1']);
      assert.equal(one.metadata.name, 'web');
      assert.equal(one.metadata.generation, 1);
      assert.deepEqual(one.metadata.labels, { a: 'b' });
      assert.ok(one.metadata.managedFields.some((entry: { manager: string }) => entry.manager === 'ours'));
      const { body: list } = await api.get(all, { accept: PARTIAL_LIST });
      assert.deepEqual([list.kind, list.apiVersion], ['PartialObjectMetadataList', 'meta.k8s.io/v1']);
      assert.deepEqual(Object.keys(list.items[0]).sort(), ['apiVersion', 'kind', 'metadata']);
      assert.ok(Number(list.metadata.resourceVersion) > 0);
    },
  ),
  law('a Table can be asked for', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    await api.post(all, configMap('cm', { a: '1' }));
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const { body } = await api.get(`${all}?fieldSelector=metadata.name%3Dcm`, { accept });
    assert.deepEqual([body.kind, body.apiVersion], ['Table', 'meta.k8s.io/v1']);
    assert.deepEqual(
      body.columnDefinitions.map((column: { name: string }) => column.name),
      ['Name', 'Data', 'Age'],
    );
    assert.deepEqual(body.rows[0].cells.slice(0, 2), ['cm', 1]);
    assert.equal(body.rows[0].object.kind, 'PartialObjectMetadata');
  }),
  law('every change moves the resourceVersion upwards', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const { body: first } = await api.post(path('v1', 'configmaps'), configMap('cm', { a: '1' }));
    const { body: second } = await api.patch(at, MERGE_PATCH, { data: { a: '2' } });
    assert.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion));
  }),
];
