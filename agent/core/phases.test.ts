import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { objectId } from './object.ts';
import { compareObjects, PHASES, phaseOf, phasesOf } from './phases.ts';

const kinds = [
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
  ['v1', 'Namespace'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
  ['storage.k8s.io/v1', 'StorageClass'],
  ['v1', 'ServiceAccount'],
  ['v1', 'ConfigMap'],
  ['v1', 'Service'],
  ['apps/v1', 'Deployment'],
  ['example.com/v1', 'Widget'],
  ['example.com/v1', 'Namespace'],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
] as const;
const object = fc
  .tuple(
    fc.constantFrom(...kinds),
    fc.constantFrom('a', 'b'),
    fc.constantFrom('x', 'y'),
    fc.constantFrom('-1', '0', '2', 'no'),
  )
  .map(([[apiVersion, kind], namespace, name, wave]) => ({
    apiVersion,
    kind,
    metadata: { name, namespace, annotations: { 'argocd.argoproj.io/sync-wave': wave } },
  }));
const objects = fc.uniqueArray(object, { maxLength: 30, selector: objectId });

test('phases follow one another and never interleave, whatever the order of the input', () => {
  fc.assert(
    fc.property(objects, (all) => {
      const groups = phasesOf(all);
      const order = groups.map(({ phase }) => PHASES.indexOf(phase));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
      assert.equal(groups.flatMap((group) => group.objects).length, all.length);
      for (const { phase, objects: members } of groups)
        assert.ok(members.length > 0 && members.every((each) => phaseOf(each) === phase));
    }),
  );
});

test('the order is total and stable: shuffling or sorting again changes nothing', () => {
  fc.assert(
    fc.property(objects, (all) => {
      const sorted = all.toSorted(compareObjects);
      assert.deepEqual(sorted.toSorted(compareObjects), sorted);
      assert.deepEqual([...all].reverse().toSorted(compareObjects), sorted);
    }),
  );
});

test('definitions come first, webhooks last, and a custom kind with a built-in name is a workload', () => {
  const phases = kinds.map(([apiVersion, kind]) => `${kind} ${phaseOf({ apiVersion, kind })}`);
  assert.deepEqual(phases, [
    'CustomResourceDefinition definitions',
    'Namespace definitions',
    'ClusterRole definitions',
    'StorageClass configuration',
    'ServiceAccount configuration',
    'ConfigMap configuration',
    'Service workloads',
    'Deployment workloads',
    'Widget workloads',
    'Namespace workloads',
    'ValidatingWebhookConfiguration webhooks',
  ]);
});
