import assert from 'node:assert/strict';
import { MERGE_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { configMap, deployment, service } from '../objects.ts';
import { owners } from '../ownership.ts';

/** Server-side apply: who owns what after which write. */
export const APPLY: readonly Case[] = [
  law(
    'an apply creates what is missing, answers 201 and owns exactly what it said',
    async ({ api, path }) => {
      const at = path('v1', 'configmaps', 'cm');
      const { code, body } = await api.apply(
        at,
        'ours',
        configMap('cm', { a: '1' }, { labels: { team: 'x' } }),
      );
      assert.equal(code, 201);
      assert.deepEqual(owners(body), ['ours Apply v1: data.a metadata.labels.team']);
      assert.deepEqual(body.data, { a: '1' });
    },
  ),
  law('the same apply again changes neither resourceVersion nor managedFields', async ({ api, path }) => {
    for (const object of [
      configMap('same', { a: '1' }),
      service('same', [{ name: 'http', port: 80 }]),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'same' }, stringData: { password: 'p' } },
    ]) {
      const at = path('v1', `${object.kind.toLowerCase()}s`, 'same');
      const first = await api.apply(at, 'ours', object);
      const second = await api.apply(at, 'ours', object, 'force=true&fieldValidation=Strict');
      assert.equal(first.code, 201);
      assert.equal(second.code, 200);
      assert.deepEqual(second.body, first.body);
    }
  }),
  law('a workload applied again keeps its generation and what is owned', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const first = await api.apply(at, 'ours', deployment('web'));
    const second = await api.apply(at, 'ours', deployment('web'), 'force=true');
    assert.equal(second.code, 200);
    assert.equal(second.body.metadata.generation, 1);
    assert.deepEqual(second.body.spec, first.body.spec);
    const own = (object: typeof first.body) =>
      object.metadata.managedFields.filter((entry: { manager: string }) => entry.manager === 'ours');
    assert.deepEqual(own(second.body), own(first.body));
  }),
  law(
    'containers, ports, env and mounts are owned element by element, by their keys',
    async ({ api, path }) => {
      const at = path('apps/v1', 'deployments', 'web');
      const object = deployment('web', (spec) => {
        spec.template.spec.containers[0] = {
          name: 'web',
          image: 'i:1',
          command: ['run'],
          ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }],
          env: [{ name: 'A', value: '1' }],
          resources: { limits: { cpu: '1' } },
          volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
        };
        spec.template.spec.volumes = [{ name: 'tmp', emptyDir: {} }];
        spec.template.spec.nodeSelector = { disk: 'ssd' };
        spec.template.spec.tolerations = [{ operator: 'Exists' }];
      });
      const { body } = await api.apply(at, 'ours', object);
      const container = 'spec.template.spec.containers[name="web"]';
      const fields = [
        'spec.replicas',
        'spec.selector',
        'spec.template.metadata.labels.app',
        container,
        `${container}.command`,
        `${container}.env[name="A"]`,
        `${container}.env[name="A"].name`,
        `${container}.env[name="A"].value`,
        `${container}.image`,
        `${container}.name`,
        `${container}.ports[containerPort=53,protocol="UDP"]`,
        `${container}.ports[containerPort=53,protocol="UDP"].containerPort`,
        `${container}.ports[containerPort=53,protocol="UDP"].protocol`,
        `${container}.ports[containerPort=80,protocol="TCP"]`,
        `${container}.ports[containerPort=80,protocol="TCP"].containerPort`,
        `${container}.resources.limits.cpu`,
        `${container}.volumeMounts[mountPath="/tmp"]`,
        `${container}.volumeMounts[mountPath="/tmp"].mountPath`,
        `${container}.volumeMounts[mountPath="/tmp"].name`,
        'spec.template.spec.nodeSelector',
        'spec.template.spec.tolerations',
        'spec.template.spec.volumes[name="tmp"]',
        'spec.template.spec.volumes[name="tmp"].emptyDir',
        'spec.template.spec.volumes[name="tmp"].name',
      ].sort();
      assert.deepEqual(owners(body), [`ours Apply apps/v1: ${fields.join(' ')}`]);
    },
  ),
  law('a field dropped from the configuration goes when nobody else owns it', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(
      at,
      'ours',
      configMap('cm', { a: '1', b: '2' }, { labels: { x: 'y' }, annotations: { n: 'm' } }),
    );
    const { body } = await api.apply(at, 'ours', configMap('cm', { a: '1' }));
    assert.deepEqual(body.data, { a: '1' });
    assert.equal(body.metadata.labels, undefined);
    assert.equal(body.metadata.annotations, undefined);
    assert.deepEqual(owners(body), ['ours Apply v1: data.a']);
  }),
  law('a field dropped from the configuration stays while another applier owns it', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'ours', configMap('cm', { a: '1', b: '2' }));
    await api.apply(at, 'theirs', configMap('cm', { b: '2' }));
    const { body } = await api.apply(at, 'ours', configMap('cm', { a: '1' }));
    assert.deepEqual(body.data, { a: '1', b: '2' });
    assert.deepEqual(owners(body), ['ours Apply v1: data.a', 'theirs Apply v1: data.b']);
  }),
  law('a field dropped from the configuration stays while an updater owns it', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'ours', configMap('cm', { a: '1', b: '2' }));
    await api.patch(`${at}?fieldManager=kubectl-edit`, MERGE_PATCH, { data: { b: '3' } });
    await api.apply(at, 'ours', configMap('cm', { a: '1', b: '3' }), 'force=true');
    const { body } = await api.apply(at, 'ours', configMap('cm', { a: '1' }));
    assert.deepEqual(body.data, { a: '1', b: '3' });
    assert.deepEqual(owners(body), ['kubectl-edit Update v1: data.b', 'ours Apply v1: data.a']);
  }),
  law('a container dropped from the configuration goes with everything it had', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const two = deployment('web', (spec) => {
      spec.template.spec.containers.push({ name: 'side', image: 's:1', env: [{ name: 'A', value: '1' }] });
    });
    await api.apply(at, 'ours', two);
    const { body } = await api.apply(at, 'ours', deployment('web'));
    assert.deepEqual(
      body.spec.template.spec.containers.map((container: { name: string }) => container.name),
      ['web'],
    );
    assert.equal(body.metadata.generation, 2);
  }),
  law('the same value from two appliers is owned by both', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'ours', configMap('cm', { a: '1' }));
    const { code, body } = await api.apply(at, 'theirs', configMap('cm', { a: '1' }));
    assert.equal(code, 200);
    assert.deepEqual(owners(body), ['ours Apply v1: data.a', 'theirs Apply v1: data.a']);
  }),
  law(
    'another value from another applier is a conflict that names manager and field',
    async ({ api, path }) => {
      const at = path('v1', 'configmaps', 'cm');
      await api.apply(at, 'theirs', configMap('cm', { a: '1' }));
      const { code, body } = await api.apply(at, 'ours', configMap('cm', { a: '2' }));
      assert.equal(code, 409);
      assert.equal(body.reason, 'Conflict');
      assert.equal(body.message, 'Apply failed with 1 conflict: conflict with "theirs": .data.a');
      assert.deepEqual(body.details.causes, [
        { reason: 'FieldManagerConflict', message: 'conflict with "theirs"', field: '.data.a' },
      ]);
    },
  ),
  law('a conflict with an updater names its API version', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    await api.apply(at, 'ours', deployment('web'));
    await api.patch(`${at}?fieldManager=kubectl-edit`, MERGE_PATCH, { spec: { replicas: 3 } });
    const { code, body } = await api.apply(at, 'ours', deployment('web'));
    assert.equal(code, 409);
    assert.equal(
      body.message,
      'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas',
    );
    assert.deepEqual(body.details.causes, [
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl-edit" using apps/v1',
        field: '.spec.replicas',
      },
    ]);
  }),
  law('several conflicts are listed manager by manager', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'first', configMap('cm', { a: '1', b: '1' }));
    await api.apply(at, 'second', configMap('cm', { c: '1' }));
    const { code, body } = await api.apply(at, 'ours', configMap('cm', { a: '2', b: '2', c: '2' }));
    assert.equal(code, 409);
    assert.equal(
      body.message,
      'Apply failed with 3 conflicts: conflicts with "first":\n- .data.a\n- .data.b\nconflicts with "second":\n- .data.c',
    );
    assert.equal(body.details.causes.length, 3);
  }),
  law('force takes the field and leaves the rest to its owner', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'theirs', configMap('cm', { a: '1', b: '1' }));
    const { code, body } = await api.apply(at, 'ours', configMap('cm', { a: '2' }), 'force=true');
    assert.equal(code, 200);
    assert.deepEqual(body.data, { a: '2', b: '1' });
    assert.deepEqual(owners(body), ['ours Apply v1: data.a', 'theirs Apply v1: data.b']);
  }),
  law(
    'an update takes what it changes from the applier, and a forced apply takes it back',
    async ({ api, path }) => {
      const at = path('apps/v1', 'deployments', 'web');
      const { body: applied } = await api.apply(at, 'ours', deployment('web'));
      const { body: edited } = await api.patch(`${at}?fieldManager=kubectl-edit`, MERGE_PATCH, {
        spec: { replicas: 4 },
      });
      const [ours = ''] = owners(applied);
      assert.deepEqual(owners(edited), [
        'kubectl-edit Update apps/v1: spec.replicas',
        ours.replace(' spec.replicas', ''),
      ]);
      const { body } = await api.apply(at, 'ours', deployment('web'), 'force=true');
      assert.equal(body.spec.replicas, 1);
      assert.deepEqual(owners(body), [ours]);
      assert.equal(body.metadata.generation, 3);
    },
  ),
  law('an update that sets the same value owns nothing', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const { body: before } = await api.apply(at, 'ours', configMap('cm', { a: '1' }));
    const { body } = await api.patch(`${at}?fieldManager=kubectl-edit`, MERGE_PATCH, { data: { a: '1' } });
    assert.deepEqual(body, before);
  }),
  law('what an update removes is in no set any more', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'ours', configMap('cm', { a: '1', b: '2' }));
    const { body } = await api.patch(`${at}?fieldManager=kubectl-edit`, MERGE_PATCH, { data: { b: null } });
    assert.deepEqual(owners(body), ['ours Apply v1: data.a']);
  }),
  law('what an update adds is owned by it, maps included', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'ours', configMap('cm', { a: '1' }));
    const { body } = await api.patch(`${at}?fieldManager=kubectl-edit`, MERGE_PATCH, {
      data: { b: '2' },
      metadata: { annotations: { note: 'x' }, finalizers: ['example.org/hold'] },
    });
    assert.deepEqual(owners(body), [
      'kubectl-edit Update v1: data.b metadata.annotations metadata.annotations.note metadata.finalizers metadata.finalizers[="example.org/hold"]',
      'ours Apply v1: data.a',
    ]);
    await api.patch(at, MERGE_PATCH, { metadata: { finalizers: null } });
  }),
  law('an added list element belongs to who added it and survives our apply', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    await api.apply(at, 'ours', deployment('web'));
    await api.patch(`${at}?fieldManager=kubectl-set`, 'application/strategic-merge-patch+json', {
      spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'X', value: '1' }] }] } } },
    });
    const { body } = await api.apply(at, 'ours', deployment('web'), 'force=true');
    assert.deepEqual(body.spec.template.spec.containers[0].env, [{ name: 'X', value: '1' }]);
    const env = 'spec.template.spec.containers[name="web"].env';
    assert.equal(
      owners(body)[0],
      `kubectl-set Update apps/v1: ${env} ${env}[name="X"] ${env}[name="X"].name ${env}[name="X"].value`,
    );
  }),
  law(
    'the first apply to an untracked object finds its fields with before-first-apply',
    async ({ api, path }) => {
      const at = path('v1', 'configmaps', 'cm');
      await api.post(path('v1', 'configmaps'), configMap('cm', { a: '1' }));
      await api.patch(at, MERGE_PATCH, { metadata: { managedFields: [{}] } });
      const { body: wiped } = await api.get(at);
      assert.equal(wiped.metadata.managedFields, undefined);
      const { body } = await api.apply(at, 'ours', configMap('cm', { a: '1' }));
      assert.deepEqual(owners(body), ['before-first-apply Update v1: data data.a', 'ours Apply v1: data.a']);
    },
  ),
  law('managedFields wiped with an empty list stay empty until the next apply', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'ours', configMap('cm', { a: '1' }));
    const { code, body } = await api.patch(`${at}?fieldManager=wiper`, 'application/json-patch+json', [
      { op: 'replace', path: '/metadata/managedFields', value: [{}] },
    ]);
    assert.equal(code, 200);
    assert.equal(body.metadata.managedFields, undefined);
    const { body: after } = await api.patch(`${at}?fieldManager=later`, MERGE_PATCH, { data: { z: '1' } });
    assert.equal(after.metadata.managedFields, undefined);
  }),
  law('a JSON patch may rewrite managedFields, as a hand-over does', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const { body: before } = await api.apply(at, 'old', configMap('cm', { a: '1' }));
    const entries = before.metadata.managedFields.map((entry: object) => ({ ...entry, manager: 'new' }));
    const { body } = await api.patch(`${at}?fieldManager=handover`, 'application/json-patch+json', [
      { op: 'test', path: '/metadata/resourceVersion', value: before.metadata.resourceVersion },
      { op: 'replace', path: '/metadata/managedFields', value: entries },
    ]);
    assert.deepEqual(owners(body), ['new Apply v1: data.a']);
    const { body: applied } = await api.apply(at, 'new', configMap('cm', { b: '1' }));
    assert.deepEqual(applied.data, { b: '1' });
  }),
  law('an apply through the status subresource owns status and nothing else', async ({ api, path }) => {
    const at = path('v1', 'services', 'web');
    const object = service('web', [{ port: 80 }]);
    object.spec.type = 'LoadBalancer';
    await api.apply(at, 'ours', object);
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
    const { code, body } = await api.apply(
      `${at}/status`,
      'lb',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, status },
      'force=true',
    );
    assert.equal(code, 200);
    assert.equal(owners(body)[0], 'lb Apply/status v1: status.loadBalancer.ingress');
    assert.deepEqual(body.status.loadBalancer.ingress, [{ ip: '192.0.2.1', ipMode: 'VIP' }]);
  }),
  law('an apply through the main path does not touch status', async ({ api, path }) => {
    const at = path('v1', 'services', 'web');
    const object = {
      ...service('web', [{ port: 80 }]),
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
    };
    const { body } = await api.apply(at, 'ours', object);
    assert.deepEqual(body.status, { loadBalancer: {} });
    assert.ok(!owners(body)[0]?.includes('status'));
  }),
  law('YAML is read as JSON is', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const { code, body } = await api.apply(
      at,
      'ours',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\ndata:\n  text: |\n    two\n    lines\n  number: "0644"\n',
    );
    assert.equal(code, 201);
    assert.deepEqual(body.data, { text: 'two\nlines\n', number: '0644' });
  }),
  law('the order of list elements follows the configuration', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const withEnv = (...names: string[]) =>
      deployment('web', (spec) => {
        spec.template.spec.containers[0].env = names.map((name) => ({ name, value: '1' }));
      });
    await api.apply(at, 'ours', withEnv('A', 'B', 'C'));
    const { body } = await api.apply(at, 'ours', withEnv('C', 'A', 'D'));
    const names = body.spec.template.spec.containers[0].env.map((env: { name: string }) => env.name);
    assert.deepEqual(names, ['C', 'A', 'D']);
  }),
  law('a quantity is the same in any spelling', async ({ api, path }) => {
    const at = path('v1', 'limitranges', 'limits');
    const limits = (cpu: string | number) => ({
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'limits' },
      spec: { limits: [{ type: 'Pod', max: { cpu, memory: '1024Mi' } }] },
    });
    const { body: first } = await api.apply(at, 'ours', limits('2000m'));
    assert.deepEqual(first.spec.limits[0].max, { cpu: '2', memory: '1Gi' });
    const { code, body } = await api.apply(at, 'ours', limits(2));
    assert.equal(code, 200);
    assert.deepEqual(body, first);
  }),
];
