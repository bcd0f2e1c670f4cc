import assert from 'node:assert/strict';
import type { WatchEvent } from '../api.ts';
import { MERGE_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { configMap } from '../objects.ts';

const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

const brief = (events: WatchEvent[]) => events.map(({ type, object }) => `${type} ${object.metadata.name}`);
/** The configmap every namespace gets would be in the way. */
const OWN = 'labelSelector=mine%3Dyes';
const mine = { labels: { mine: 'yes' } };

/** Watches: sequences of events, forms, selectors, ends. */
export const WATCHES: readonly Case[] = [
  law('a watch from a resourceVersion shows what happened since, in order', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    const { body: list } = await api.get(all);
    await api.post(all, configMap('a', { k: '1' }, mine));
    await api.patch(`${all}/a`, MERGE_PATCH, { data: { k: '2' } });
    await api.delete(`${all}/a`);
    using watch = await api.watch(
      `${all}?watch=true&${OWN}&resourceVersion=${list.metadata.resourceVersion}`,
    );
    const events = await watch.take(3);
    assert.deepEqual(brief(events), ['ADDED a', 'MODIFIED a', 'DELETED a']);
    assert.equal(events[0]?.object.kind, 'ConfigMap');
    assert.deepEqual(events[1]?.object.data, { k: '2' });
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    assert.ok(versions[0]! < versions[1]! && versions[1]! < versions[2]!);

    await api.post(all, configMap('b', {}, mine));
    assert.deepEqual(brief(await watch.take(1)), ['ADDED b']);
  }),
  law('a watch without resourceVersion starts with what there is', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    await api.post(all, configMap('a', {}, mine));
    await api.post(all, configMap('b', {}, mine));
    using watch = await api.watch(`${all}?watch=true&${OWN}`);
    assert.deepEqual(brief(await watch.take(2)).sort(), ['ADDED a', 'ADDED b']);
  }),
  law('a write that changes nothing is no event', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    await api.apply(`${all}/a`, 'ours', configMap('a', { k: '1' }, mine));
    const { body: list } = await api.get(all);
    using watch = await api.watch(
      `${all}?watch=true&${OWN}&resourceVersion=${list.metadata.resourceVersion}`,
    );
    await api.apply(`${all}/a`, 'ours', configMap('a', { k: '1' }, mine));
    await api.post(all, configMap('marker', {}, mine));
    assert.deepEqual(brief(await watch.take(1)), ['ADDED marker']);
  }),
  law('an object that begins or ceases to match is ADDED or DELETED', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    await api.post(all, configMap('a', {}));
    const { body: list } = await api.get(all);
    using watch = await api.watch(
      `${all}?watch=true&labelSelector=on%3Dyes&resourceVersion=${list.metadata.resourceVersion}`,
    );
    await api.patch(`${all}/a`, MERGE_PATCH, { metadata: { labels: { on: 'yes' } } });
    await api.patch(`${all}/a`, MERGE_PATCH, { data: { k: '1' } });
    const { body: off } = await api.patch(`${all}/a`, MERGE_PATCH, { metadata: { labels: { on: 'no' } } });
    const events = await watch.take(3);
    assert.deepEqual(brief(events), ['ADDED a', 'MODIFIED a', 'DELETED a']);
    const { metadata } = events[2]!.object;
    assert.deepEqual(
      [metadata.labels, metadata.resourceVersion],
      [{ on: 'yes' }, off.metadata.resourceVersion],
    );
  }),
  law('one object is watched by field selector', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    const { body: list } = await api.get(all);
    using watch = await api.watch(
      `${all}?watch=true&fieldSelector=metadata.name%3Db&resourceVersion=${list.metadata.resourceVersion}`,
    );
    await api.post(all, configMap('a', {}));
    await api.post(all, configMap('b', {}));
    assert.deepEqual(brief(await watch.take(1)), ['ADDED b']);
  }),
  law('metadata alone is watched with the owners of each change', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    const { body: list } = await api.get(all);
    using watch = await api.watch(
      `${all}?watch=true&${OWN}&resourceVersion=${list.metadata.resourceVersion}`,
      {
        accept: PARTIAL,
      },
    );
    await api.apply(`${all}/a`, 'ours', configMap('a', { k: '1' }, mine));
    await api.patch(`${all}/a?fieldManager=kubectl-edit`, MERGE_PATCH, { data: { k: '2' } });
    const [added, modified] = await watch.take(2);
    assert.deepEqual(Object.keys(added!.object).sort(), ['apiVersion', 'kind', 'metadata']);
    assert.equal(added?.object.kind, 'PartialObjectMetadata');
    assert.deepEqual(
      modified?.object.metadata.managedFields.map((entry: { manager: string }) => entry.manager),
      ['ours', 'kubectl-edit'],
    );
  }),
  law('timeoutSeconds ends a watch; all that comes in a quiet one are bookmarks', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    const { body: list } = await api.get(all);
    const { resourceVersion } = list.metadata;
    using watch = await api.watch(
      `${all}?watch=true&${OWN}&allowWatchBookmarks=true&timeoutSeconds=2&resourceVersion=${resourceVersion}`,
    );
    for (let event = await watch.next(); event; event = await watch.next()) {
      assert.equal(event.type, 'BOOKMARK');
      assert.ok(Number(event.object.metadata.resourceVersion) >= Number(resourceVersion));
      assert.equal(event.object.kind, 'ConfigMap');
    }
  }),
  law('initial events can be asked for and end with a marked bookmark', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    await api.post(all, configMap('a', {}, mine));
    const query = `watch=true&${OWN}&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`;
    using watch = await api.watch(`${all}?${query}`);
    const added = await watch.next();
    const bookmark = await watch.next();
    assert.deepEqual([added?.type, added?.object.metadata.name], ['ADDED', 'a']);
    assert.equal(bookmark?.type, 'BOOKMARK');
    assert.deepEqual(bookmark?.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
  }),
];
