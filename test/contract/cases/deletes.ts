import assert from 'node:assert/strict';
import { JSON_PATCH, MERGE_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law, unique, until } from '../case.ts';
import { configMap, deployment } from '../objects.ts';

/** Deletion: preconditions, finalizers, owners, namespaces. */
export const DELETES: readonly Case[] = [
  law('a delete answers with a Status that has the uid, and again with 404', async ({ api, path }) => {
    const { body: created } = await api.post(path('apps/v1', 'deployments'), deployment('web'));
    const at = path('apps/v1', 'deployments', 'web');
    const { code, body } = await api.delete(at, { propagationPolicy: 'Background' });
    assert.equal(code, 200);
    assert.deepEqual(body, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'web', group: 'apps', kind: 'deployments', uid: created.metadata.uid },
    });
    assert.equal((await api.delete(at)).code, 404);
  }),
  law('a delete with another uid or resourceVersion as precondition is a conflict', async ({ api, path }) => {
    const { body: created } = await api.post(path('v1', 'configmaps'), configMap('cm', {}));
    const at = path('v1', 'configmaps', 'cm');
    const { uid, resourceVersion } = created.metadata;
    const wrongUid = await api.delete(at, { preconditions: { uid: 'other' } });
    assert.deepEqual(
      [wrongUid.code, wrongUid.body.reason, wrongUid.body.message],
      [
        409,
        'Conflict',
        `Operation cannot be fulfilled on ConfigMap "cm": the UID in the precondition (other) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
      ],
    );
    const wrongVersion = await api.delete(at, { preconditions: { resourceVersion: '1' } });
    assert.equal(wrongVersion.code, 409);
    const right = await api.delete(at, { preconditions: { uid, resourceVersion } });
    assert.equal(right.code, 200);
  }),
  law(
    'an object with a finalizer is marked, refuses new finalizers, and goes with the last one',
    async ({ api, path }) => {
      const at = path('v1', 'configmaps', 'cm');
      const { body: created } = await api.post(
        path('v1', 'configmaps'),
        configMap('cm', { a: '1' }, { finalizers: ['example.org/hold'] }),
      );
      const { code, body } = await api.delete(at);
      assert.equal(code, 200);
      assert.equal(body.kind, 'ConfigMap');
      assert.equal(body.metadata.uid, created.metadata.uid);
      assert.match(body.metadata.deletionTimestamp, /Z$/);
      assert.equal(body.metadata.deletionGracePeriodSeconds, 0);
      assert.equal((await api.delete(at)).code, 200);

      const added = await api.patch(at, MERGE_PATCH, {
        metadata: { finalizers: ['example.org/hold', 'example.org/more'] },
      });
      assert.equal(added.code, 422);
      assert.match(
        added.body.message,
        /metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted/,
      );

      const last = await api.patch(at, JSON_PATCH, [{ op: 'remove', path: '/metadata/finalizers' }]);
      assert.equal(last.code, 200);
      assert.equal((await api.get(at)).code, 404);
    },
  ),
  law('the generation counts a deletion that waits', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const object = deployment('web', (_, whole) => {
      whole.metadata.finalizers = ['example.org/hold'];
    });
    await api.post(path('apps/v1', 'deployments'), object);
    const { body } = await api.delete(at, { propagationPolicy: 'Background' });
    assert.equal(body.metadata.generation, 2);
    await api.patch(at, MERGE_PATCH, { metadata: { finalizers: null } });
  }),
  law('dependents go after their owner', async ({ api, path, signal }) => {
    const { body: owner } = await api.post(path('v1', 'configmaps'), configMap('owner', {}));
    const { uid } = owner.metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
    await api.post(path('v1', 'configmaps'), configMap('dependent', {}, { ownerReferences }));
    await api.delete(path('v1', 'configmaps', 'owner'), { propagationPolicy: 'Background' });
    const ask = async () => (await api.get(path('v1', 'configmaps', 'dependent'))).code;
    await until('the dependent to go', ask, (code) => code === 404, signal);
  }),
  law('an orphaning delete leaves the dependents', async ({ api, path, signal }) => {
    const { body: owner } = await api.post(path('v1', 'configmaps'), configMap('owner', {}));
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }];
    await api.post(path('v1', 'configmaps'), configMap('dependent', {}, { ownerReferences }));
    await api.delete(path('v1', 'configmaps', 'owner'), { propagationPolicy: 'Orphan' });
    const ask = async () => (await api.get(path('v1', 'configmaps', 'owner'))).code;
    await until('the owner to go', ask, (code) => code === 404, signal);
    const { code, body } = await api.get(path('v1', 'configmaps', 'dependent'));
    assert.deepEqual([code, body.metadata.ownerReferences], [200, undefined]);
  }),
  law(
    'a deleted namespace refuses new content, takes what is in it along, and goes',
    async ({ api, signal }) => {
      const name = unique('gone');
      const at = `/api/v1/namespaces/${name}`;
      const { body: created } = await api.post('/api/v1/namespaces', { metadata: { name } });
      assert.deepEqual(created.metadata.labels, { 'kubernetes.io/metadata.name': name });
      assert.deepEqual([created.spec, created.status], [{ finalizers: ['kubernetes'] }, { phase: 'Active' }]);
      await api.post(`${at}/configmaps`, configMap('held', {}, { finalizers: ['example.org/hold'] }));
      await api.post(`${at}/configmaps`, configMap('free', {}));
      const { code, body } = await api.delete(at);
      assert.deepEqual([code, body.status.phase], [200, 'Terminating']);
      assert.ok(body.metadata.deletionTimestamp);

      const refused = await api.post(`${at}/configmaps`, configMap('new', {}));
      assert.equal(refused.code, 403);
      assert.equal(
        refused.body.message,
        `configmaps "new" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
      );
      assert.equal(refused.body.details.causes[0].reason, 'NamespaceTerminating');

      const free = async () => (await api.get(`${at}/configmaps/free`)).code;
      await until('the content to go', free, (answer) => answer === 404, signal);
      assert.equal((await api.get(at)).code, 200);
      await api.patch(`${at}/configmaps/held`, MERGE_PATCH, { metadata: { finalizers: null } });
      await until(
        'the namespace to go',
        async () => (await api.get(at)).code,
        (answer) => answer === 404,
        signal,
      );
    },
  ),
  law('a new namespace gets its default ServiceAccount', async ({ api, path, signal }) => {
    const ask = async () => (await api.get(path('v1', 'serviceaccounts', 'default'))).code;
    await until('the account', ask, (code) => code === 200, signal);
  }),
  law('a collection is deleted by selector', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    await api.post(all, configMap('a', {}, { labels: { go: 'yes' } }));
    await api.post(all, configMap('b', {}));
    assert.equal((await api.delete(`${all}?labelSelector=go%3Dyes`)).code, 200);
    assert.equal((await api.get(`${all}/a`)).code, 404);
    assert.equal((await api.get(`${all}/b`)).code, 200);
  }),
];
