import assert from 'node:assert/strict';
import { JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { deployment } from '../objects.ts';

const twice = () =>
  JSON.stringify(
    deployment('web', (spec) => {
      spec.foo = 1;
    }),
  ).replace('"replicas":1', '"replicas":1,"replicas":2');

/** fieldValidation: unknown and duplicate fields. */
export const STRICT: readonly Case[] = [
  law('a strict create names unknown and duplicate fields', async ({ api, path }) => {
    const { code, body } = await api.post(
      `${path('apps/v1', 'deployments')}?fieldValidation=Strict`,
      twice(),
    );
    assert.deepEqual([code, body.reason], [400, 'BadRequest']);
    assert.equal(
      body.message,
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: duplicate field "spec.replicas", unknown field "spec.foo"',
    );
  }),
  law('without being asked a create warns and drops them', async ({ api, path }) => {
    const { code, body, headers } = await api.post(path('apps/v1', 'deployments'), twice());
    assert.equal(code, 201);
    assert.equal(body.spec.foo, undefined);
    assert.equal(body.spec.replicas, 2);
    assert.equal(
      headers.warning,
      '299 - "duplicate field \\"spec.replicas\\"", 299 - "unknown field \\"spec.foo\\""',
    );
  }),
  law('with Ignore it drops them without a word', async ({ api, path }) => {
    const { code, headers } = await api.post(
      `${path('apps/v1', 'deployments')}?fieldValidation=Ignore`,
      twice(),
    );
    assert.equal(code, 201);
    assert.equal(headers.warning, undefined);
  }),
  law('unknown fields in list elements are named with their index', async ({ api, path }) => {
    const object = deployment('web', (spec) => {
      spec.template.spec.containers[0].imag = 'x';
    });
    const { body } = await api.post(`${path('apps/v1', 'deployments')}?fieldValidation=Strict`, object);
    assert.match(body.message, /unknown field "spec.template.spec.containers\[0\].imag"$/);
  }),
  law('a strict patch of any type is refused as invalid', async ({ api, path }) => {
    const at = path('apps/v1', 'deployments', 'web');
    await api.post(path('apps/v1', 'deployments'), deployment('web'));
    const patches: [string, unknown][] = [
      [MERGE_PATCH, { spec: { foo: 1 } }],
      [STRATEGIC_PATCH, { spec: { foo: 1 } }],
      [JSON_PATCH, [{ op: 'add', path: '/spec/foo', value: 1 }]],
    ];
    for (const [type, patch] of patches) {
      const { code, body } = await api.patch(`${at}?fieldValidation=Strict`, type, patch);
      assert.deepEqual([code, body.reason], [422, 'Invalid']);
      assert.match(
        body.message,
        /^ "" is invalid: patch: Invalid value: .*strict decoding error: unknown field "spec.foo"$/,
      );
      assert.equal(body.details.causes[0].field, 'patch');
    }
  }),
  law('a value of the wrong type is a 400 that names Go type and field', async ({ api, path }) => {
    const object = deployment('web', (spec) => {
      spec.replicas = '1';
    });
    const { code, body } = await api.post(path('apps/v1', 'deployments'), object);
    assert.equal(code, 400);
    assert.equal(
      body.message,
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
  }),
];
