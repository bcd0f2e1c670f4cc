import assert from 'node:assert/strict';
import { MERGE_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { deployment } from '../objects.ts';
import { owners } from '../ownership.ts';

/** The scale subresource, through which `kubectl scale` and autoscalers write. */
export const SCALE: readonly Case[] = [
  law('a Scale shows replicas and the selector as text', async ({ api, path, namespace }) => {
    await api.post(path('apps/v1', 'deployments'), deployment('web'));
    const { code, body } = await api.get(`${path('apps/v1', 'deployments', 'web')}/scale`);
    assert.equal(code, 200);
    assert.deepEqual([body.kind, body.apiVersion, body.spec], ['Scale', 'autoscaling/v1', { replicas: 1 }]);
    assert.equal(body.status.selector, 'app=web');
    assert.deepEqual([body.metadata.name, body.metadata.namespace], ['web', namespace]);
    assert.equal(body.metadata.managedFields, undefined);
  }),
  law(
    'scaling takes replicas from the applier into an entry of the subresource, without a time',
    async ({ api, path }) => {
      const at = path('apps/v1', 'deployments', 'web');
      const { body: applied } = await api.apply(at, 'ours', deployment('web'));
      const { code, body: scale } = await api.patch(`${at}/scale?fieldManager=kubectl`, MERGE_PATCH, {
        spec: { replicas: 3 },
      });
      assert.deepEqual([code, scale.spec], [200, { replicas: 3 }]);
      const { body } = await api.get(at);
      assert.equal(body.spec.replicas, 3);
      assert.equal(body.metadata.generation, 2);
      const [ours = ''] = owners(applied);
      assert.deepEqual(owners(body), [
        'kubectl Update/scale apps/v1: spec.replicas',
        ours.replace(' spec.replicas', ''),
      ]);
      const entry = body.metadata.managedFields.find(
        (e: { subresource?: string }) => e.subresource === 'scale',
      );
      assert.equal(entry.time, undefined);

      const refused = await api.apply(at, 'ours', deployment('web'));
      assert.equal(
        refused.body.message,
        'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
      );
      const { body: back } = await api.apply(at, 'ours', deployment('web'), 'force=true');
      assert.deepEqual(owners(back), [ours]);
    },
  ),
  law('scaling to the present number changes nothing', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    await api.apply(at, 'ours', deployment('web'));
    await api.patch(`${at}/scale?fieldManager=kubectl`, MERGE_PATCH, { spec: { replicas: 1 } });
    const { body } = await api.get(at);
    assert.equal(body.metadata.generation, 1);
    assert.equal(owners(body).length, 1);
  }),
  law('a Scale can be replaced, and a negative number is refused', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    await api.post(path('apps/v1', 'deployments'), deployment('web'));
    const { body: scale } = await api.get(`${at}/scale`);
    const { code } = await api.put(`${at}/scale`, { ...scale, spec: { replicas: 2 } });
    assert.ok(code === 200 || code === 409);
    const { code: negative, body } = await api.patch(`${at}/scale`, MERGE_PATCH, { spec: { replicas: -1 } });
    assert.equal(negative, 422);
    assert.match(body.message, /spec.replicas: Invalid value: -1: must be greater than or equal to 0/);
  }),
];
