import assert from 'node:assert/strict';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { configMap, deployment } from '../objects.ts';

/** What an apply is refused for, and the words of the refusal. */
export const APPLY_ERRORS: readonly Case[] = [
  law('an apply without a field manager is refused', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const { code, body } = await api.patch(at, 'application/apply-patch+yaml', configMap('cm', {}));
    assert.equal(code, 422);
    assert.equal(body.reason, 'Invalid');
    assert.equal(
      body.message,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  }),
  law('a field the schema does not have is refused whatever fieldValidation says', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const object = deployment('web', (spec) => {
      spec.foo = 1;
    });
    const message =
      'failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema';
    for (const validation of ['Ignore', 'Warn', 'Strict']) {
      const { code, body } = await api.apply(at, 'ours', object, `fieldValidation=${validation}`);
      assert.deepEqual([code, body.code, body.reason, body.message], [500, 500, undefined, message]);
    }
  }),
  law('values of the wrong type are refused with their path', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const wrong = async (change: Parameters<typeof deployment>[1]) => {
      const { code, body } = await api.apply(at, 'ours', deployment('web', change));
      assert.equal(code, 500);
      return body.message.replace(
        'failed to create typed patch object (/web; apps/v1, Kind=Deployment): ',
        '',
      );
    };
    assert.equal(
      await wrong((spec) => {
        spec.replicas = '1';
      }),
      '.spec.replicas: expected numeric (int or float), got string',
    );
    assert.equal(
      await wrong((spec) => {
        spec.template.spec.containers[0].image = 1;
      }),
      '.spec.template.spec.containers[name="web"].image: expected string, got &value.valueUnstructured{Value:1}',
    );
    assert.equal(
      await wrong((spec) => {
        spec.template.spec.containers = {};
      }),
      '.spec.template.spec.containers: expected list, got &{map[]}',
    );
    assert.equal(
      await wrong((spec) => {
        spec.template.spec.containers.push({ name: 'web' });
      }),
      '.spec.template.spec.containers: duplicate entries for key [name="web"]',
    );
  }),
  law('a quantity that is none is refused', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const object = deployment('web', (spec) => {
      spec.template.spec.containers[0].resources = { limits: { cpu: 'many' } };
    });
    const { code, body } = await api.apply(at, 'ours', object);
    assert.equal(code, 500);
    assert.match(
      body.message,
      /^failed to convert new object \(\/web; .*quantities must match the regular expression/,
    );
  }),
  law(
    'kind, name, namespace and managedFields must be those of the request',
    async ({ api, path, namespace }) => {
      const at = path('v1', 'configmaps', 'cm');
      const cases: [object, number, string][] = [
        [{ ...configMap('cm', {}), apiVersion: 'v2' }, 400, 'invalid object type: /v2, Kind=ConfigMap'],
        [{ ...configMap('cm', {}), kind: 'Secret' }, 400, 'invalid object type: /v1, Kind=Secret'],
        [
          configMap('other', {}),
          400,
          'the name of the object (other) does not match the name on the URL (cm)',
        ],
        [
          configMap('cm', {}, { namespace: `not-${namespace}` }),
          400,
          'the namespace of the provided object does not match the namespace sent on the request',
        ],
        [configMap('cm', {}, { managedFields: [] }), 400, 'metadata.managedFields must be nil'],
        [
          configMap('cm', {}, { uid: 'other' }),
          409,
          'Operation cannot be fulfilled on configmaps "cm": uid mismatch: the provided object specified uid other, and no existing object was found',
        ],
      ];
      for (const [object, code, message] of cases) {
        const answer = await api.apply(at, 'ours', object);
        assert.deepEqual([answer.code, answer.body.message], [code, message]);
      }
    },
  ),
  law(
    'an apply into a namespace that does not exist is a 404 for the namespace, dry or not',
    async ({ api }) => {
      for (const options of ['', 'dryRun=All']) {
        const at = '/api/v1/namespaces/no-such/configmaps/cm';
        const { code, body } = await api.apply(at, 'ours', configMap('cm', {}), options);
        assert.equal(code, 404);
        assert.equal(body.message, 'namespaces "no-such" not found');
        assert.deepEqual(body.details, { name: 'no-such', kind: 'namespaces' });
      }
    },
  ),
  law('a duplicate key in YAML is refused when strict', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata:\n  a: "1"\n  a: "2"\n';
    const strict = await api.apply(at, 'ours', yaml, 'fieldValidation=Strict');
    assert.equal(strict.code, 400);
    assert.match(strict.body.message, /^error strict decoding YAML: .*key "a" already set in map/s);
    const ignored = await api.apply(at, 'ours', yaml, 'fieldValidation=Ignore');
    assert.equal(ignored.code, 201);
    assert.deepEqual(ignored.body.data, { a: '2' });
  }),
  law('a body that is no YAML is refused', async ({ api, path }) => {
    const { code, body } = await api.apply(path('v1', 'configmaps', 'cm'), 'ours', 'a: [');
    assert.equal(code, 400);
    assert.match(body.message, /^error decoding YAML: /);
  }),
  law('a stale resourceVersion in the configuration is a conflict', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.apply(at, 'ours', configMap('cm', { a: '1' }));
    const { code, body } = await api.apply(at, 'ours', configMap('cm', { a: '2' }, { resourceVersion: '1' }));
    assert.equal(code, 409);
    assert.equal(
      body.message,
      'Operation cannot be fulfilled on configmaps "cm": the object has been modified; please apply your changes to the latest version and try again',
    );
  }),
  law('what an immutable field would become is named', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    await api.apply(at, 'ours', deployment('web'));
    const other = deployment('web', (spec) => {
      spec.selector.matchLabels.app = 'other';
      spec.template.metadata.labels.app = 'other';
    });
    const { code, body } = await api.apply(at, 'ours', other, 'dryRun=All');
    assert.equal(code, 422);
    assert.equal(body.reason, 'Invalid');
    assert.equal(
      body.message,
      'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    );
  }),
];
