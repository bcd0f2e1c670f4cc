import assert from 'node:assert/strict';
import { JSON_PATCH, type Loose } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { configMap, deployment } from '../objects.ts';

const secret = (value: string): Loose => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'fixed' },
  immutable: true,
  data: { p: Buffer.from(value).toString('base64') },
});

/** What replacing an object and taking it over lean on. */
export const RECREATE: readonly Case[] = [
  law('an apply to what is immutable is refused as invalid, in words that say so', async ({ api, path }) => {
    const refusals: [string, Loose, Loose][] = [
      [path('v1', 'secrets', 'fixed'), secret('one'), secret('two')],
      [
        path('apps/v1', 'deployments', 'web'),
        deployment('web', (spec) => {
          spec.replicas = 0;
        }),
        deployment('web', (spec) => {
          spec.replicas = 0;
          spec.selector.matchLabels.tier = 'x';
          spec.template.metadata.labels.tier = 'x';
        }),
      ],
    ];
    for (const [at, first, second] of refusals) {
      assert.equal((await api.apply(at, 'ours', first)).code, 201);
      const { code, body } = await api.apply(at, 'ours', second);
      assert.deepEqual([code, body.reason], [422, 'Invalid']);
      assert.match(body.message, /field is immutable/);
    }
  }),
  law(
    'a dry-run create of a name that is taken tells first what is wrong with the object',
    async ({ api, path }) => {
      const all = path('apps/v1', 'deployments');
      const zero = (spec: Loose) => {
        spec.replicas = 0;
      };
      await api.post(all, deployment('web', zero));
      const before = (await api.get(`${all}/web`)).body;
      const taken = await api.post(`${all}?dryRun=All`, deployment('web', zero));
      assert.deepEqual([taken.code, taken.body.reason], [409, 'AlreadyExists']);
      const wrong = deployment('web', (spec) => {
        spec.replicas = 0;
        spec.selector.matchLabels = { app: 'else' };
      });
      const refused = await api.post(`${all}?dryRun=All`, wrong);
      assert.deepEqual([refused.code, refused.body.reason], [422, 'Invalid']);
      assert.match(refused.body.message, /`selector` does not match template `labels`/);
      const after = (await api.get(`${all}/web`)).body;
      assert.deepEqual([after.metadata.uid, after.spec], [before.metadata.uid, before.spec]);
      const free = await api.post(`${all}?dryRun=All`, deployment('other', zero));
      assert.equal(free.code, 201);
      assert.equal((await api.get(`${all}/other`)).code, 404);
    },
  ),
  law('fields moved into the set of an applier go with its next apply', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    const at = path('v1', 'configmaps', 'taken');
    await api.post(`${all}?fieldManager=kubectl-create`, configMap('taken', { a: '1', goes: '1' }));
    const { body } = await api.get(at);
    const [entry] = body.metadata.managedFields;
    const taken = { ...entry, manager: 'ours', operation: 'Apply' };
    const patch = [
      { op: 'test', path: '/metadata/resourceVersion', value: body.metadata.resourceVersion },
      { op: 'replace', path: '/metadata/managedFields', value: [taken] },
    ];
    const patched = await api.patch(`${at}?fieldManager=ours`, JSON_PATCH, patch);
    assert.equal(patched.code, 200);
    assert.deepEqual(
      patched.body.metadata.managedFields.map(({ manager, operation }: Loose) => [manager, operation]),
      [['ours', 'Apply']],
    );
    const stale = await api.patch(`${at}?fieldManager=ours`, JSON_PATCH, patch);
    assert.equal(stale.code, 422);
    const applied = await api.apply(at, 'ours', configMap('taken', { a: '2' }));
    assert.deepEqual(applied.body.data, { a: '2' });
  }),
  law('events are found by what they are about', async ({ api, path, namespace }) => {
    const all = path('v1', 'events');
    const about = (name: string, uid: string, reason: string) => ({
      metadata: { name },
      involvedObject: { apiVersion: 'batch/v1', kind: 'Job', name: 'j', namespace, uid },
      reason,
      type: reason === 'Completed' ? 'Normal' : 'Warning',
    });
    for (const event of [
      about('a', 'u1', 'Completed'),
      about('b', 'u1', 'Failed'),
      about('c', 'u2', 'Completed'),
    ])
      assert.equal((await api.post(all, event)).code, 201);
    const names = async (selector: string) => {
      const { body } = await api.get(`${all}?fieldSelector=${encodeURIComponent(selector)}`);
      return body.items.map(({ metadata }: Loose) => metadata.name);
    };
    assert.deepEqual(await names('involvedObject.uid=u1,reason=Completed'), ['a']);
    assert.deepEqual(await names('involvedObject.uid=u1,type=Warning'), ['b']);
  }),
];
