import assert from 'node:assert/strict';
import type { Loose } from '../api.ts';
import { MERGE_PATCH, STRATEGIC_PATCH } from '../api.ts';
import type { Case, World } from '../case.ts';
import { law, unique, until } from '../case.ts';
import { CRDS, establish } from '../crds.ts';
import { widget, widgetCrd } from '../objects.ts';
import { owners } from '../ownership.ts';

/** Runs with a CRD of its own, which is deleted afterwards. */
function withWidgets(
  name: string,
  run: (world: World, group: string, at: (name: string) => string) => Promise<void>,
  change?: Parameters<typeof widgetCrd>[1],
): Case {
  return law(name, async (world) => {
    const group = `${unique('g')}.example.org`;
    await establish(world.api, widgetCrd(group, change), world.signal);
    try {
      await run(world, group, (own) => world.path(`${group}/v1`, 'widgets', own));
    } finally {
      await world.api.delete(`${CRDS}/widgets.${group}`);
    }
  });
}

/** CRDs from creation to deletion, and custom resources in between. */
export const CUSTOM: readonly Case[] = [
  law(
    'a CRD is established after creation; before it, and after its end, its API is a 404',
    async ({ api, signal, path }) => {
      const group = `${unique('g')}.example.org`;
      const name = `widgets.${group}`;
      const before = await api.get(path(`${group}/v1`, 'widgets'));
      assert.deepEqual([before.code, before.body], [404, '404 page not found\n']);
      const early = await api.apply(
        path(`${group}/v1`, 'widgets', 'w'),
        'ours',
        widget(group, 'w', { size: 1 }),
      );
      assert.equal(early.code, 404);

      const { code, body: created } = await api.apply(`${CRDS}/${name}`, 'ours', widgetCrd(group));
      assert.equal(code, 201);
      assert.deepEqual(created.status, {
        conditions: null,
        acceptedNames: { plural: '', kind: '' },
        storedVersions: ['v1'],
      });
      const isEstablished = (crd: Loose) =>
        crd.status.conditions?.some((c: Loose) => c.type === 'Established' && c.status === 'True');
      const crd = await until(
        'Established',
        async () => (await api.get(`${CRDS}/${name}`)).body,
        isEstablished,
        signal,
      );
      assert.equal(crd.metadata.generation, 1);
      assert.deepEqual(crd.status.acceptedNames, {
        plural: 'widgets',
        singular: 'widget',
        kind: 'Widget',
        listKind: 'WidgetList',
        shortNames: ['wd'],
      });
      assert.deepEqual(
        crd.status.conditions.map((c: Loose) => [c.type, c.status, c.reason, c.message]),
        [
          ['NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'],
          ['Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'],
        ],
      );
      assert.deepEqual(owners(crd), [
        'ours Apply apiextensions.k8s.io/v1: spec.group spec.names.kind spec.names.plural spec.names.shortNames spec.names.singular spec.scope spec.versions',
      ]);
      await until(
        'the API',
        async () => (await api.get(`/apis/${group}/v1/widgets`)).code,
        (c) => c === 200,
        signal,
      );
      const { body: discovery } = await api.get(`/apis/${group}/v1`);
      assert.deepEqual(
        discovery.resources.map((r: Loose) => [r.name, r.kind, r.namespaced, r.shortNames]),
        [
          ['widgets', 'Widget', true, ['wd']],
          ['widgets/status', 'Widget', true, undefined],
        ],
      );

      const again = await api.apply(`${CRDS}/${name}`, 'ours', widgetCrd(group));
      assert.equal(again.body.metadata.generation, 1);

      await api.post(path(`${group}/v1`, 'widgets'), widget(group, 'w', { size: 1 }));
      assert.equal((await api.delete(`${CRDS}/${name}`)).code, 200);
      await until(
        'the CRD to go',
        async () => (await api.get(`${CRDS}/${name}`)).code,
        (c) => c === 404,
        signal,
      );
      await until(
        'the API to go',
        async () => (await api.get(`/apis/${group}/v1/widgets`)).code,
        (c) => c === 404,
        signal,
      );
    },
  ),
  withWidgets(
    'a custom resource is owned as its schema says: sets, keyed lists, atomic values',
    async ({ api }, group, at) => {
      const spec = {
        size: 2,
        tags: ['x', 'y'],
        parts: [{ id: 'p', weight: 1 }],
        steps: [{ run: 'a' }],
        options: { o: '1' },
        free: { any: { thing: [1, { deep: true }] } },
        exact: { a: '1' },
      };
      const { code, body } = await api.apply(
        at('w'),
        'ours',
        widget(group, 'w', spec),
        'fieldValidation=Strict',
      );
      assert.equal(code, 201);
      const part = 'spec.parts[id="p",kind="plain"]';
      const fields = [
        'spec.exact',
        'spec.free.any.thing',
        'spec.options.o',
        part,
        `${part}.id`,
        `${part}.weight`,
        'spec.size',
        'spec.steps',
        'spec.tags[="x"]',
        'spec.tags[="y"]',
      ].sort();
      const seen = owners(body)[0]?.split(': ')[1]?.split(' ') ?? [];
      // Whether inner keys of a map without schema count as members of their own is told apart by the dots.
      assert.deepEqual(
        seen.filter((field) => !field.startsWith('spec.free') && field !== 'spec.options'),
        fields.filter((f) => !f.startsWith('spec.free')),
      );
      assert.deepEqual(
        seen.filter((field) => field.startsWith('spec.free')),
        ['spec.free.any', 'spec.free.any.thing'],
      );
      assert.equal(body.spec.colour, 'grey');
      assert.equal(body.spec.parts[0].kind, 'plain');
      assert.equal(body.metadata.generation, 1);

      const { body: second } = await api.apply(at('w'), 'ours', widget(group, 'w', spec));
      assert.deepEqual(second, body);
      const { body: fewer } = await api.apply(at('w'), 'ours', widget(group, 'w', { size: 2, tags: ['y'] }));
      assert.deepEqual(fewer.spec, { size: 2, colour: 'grey', tags: ['y'] });
      assert.equal(fewer.metadata.generation, 2);
    },
  ),
  withWidgets('an update of a custom resource owns the maps it creates', async ({ api, path }, group) => {
    const all = path(`${group}/v1`, 'widgets');
    const { body } = await api.post(
      `${all}?fieldManager=me`,
      widget(group, 'w', { size: 1, options: { a: '1' } }),
    );
    assert.deepEqual(owners(body), [
      `me Update ${group}/v1: spec spec.colour spec.options spec.options.a spec.size`,
    ]);
  }),
  withWidgets(
    'unknown fields are refused when strict, pruned with a warning otherwise',
    async ({ api, path }, group, at) => {
      const all = path(`${group}/v1`, 'widgets');
      const object = widget(group, 'w', { size: 1, sise: 2 });
      const strict = await api.post(`${all}?fieldValidation=Strict`, object);
      assert.deepEqual([strict.code, strict.body.reason], [400, 'BadRequest']);
      assert.match(strict.body.message, /strict decoding error: unknown field "spec.sise"$/);
      const warned = await api.post(all, object);
      assert.equal(warned.code, 201);
      assert.equal(warned.headers.warning, '299 - "unknown field \\"spec.sise\\""');
      assert.equal(warned.body.spec.sise, undefined);
      const applied = await api.apply(at('w'), 'ours', object);
      assert.equal(applied.code, 500);
      assert.match(applied.body.message, /\.spec\.sise: field not declared in schema$/);
    },
  ),
  withWidgets(
    'a custom resource that breaks its schema is refused with the path',
    async ({ api, path }, group) => {
      const all = path(`${group}/v1`, 'widgets');
      const refusal = async (spec: Loose) => {
        const { code, body } = await api.post(all, widget(group, 'w', spec));
        assert.equal(code, 422, JSON.stringify(body));
        return body.message.replace(`Widget.${group} "w" is invalid: `, '');
      };
      assert.equal(await refusal({}), 'spec.size: Required value');
      assert.equal(
        await refusal({ size: 0 }),
        'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
      );
      assert.equal(
        await refusal({ size: 1, colour: 'green' }),
        'spec.colour: Unsupported value: "green": supported values: "grey", "red", "blue"',
      );
      assert.match(
        await refusal({ size: 'x' }),
        /^spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"/,
      );
    },
  ),
  withWidgets('status is a thing apart: neither path writes the other', async ({ api, path }, group, at) => {
    const all = path(`${group}/v1`, 'widgets');
    const { body: created } = await api.post(all, {
      ...widget(group, 'w', { size: 1 }),
      status: { phase: 'Early' },
    });
    assert.equal(created.status, undefined);
    const { code, body } = await api.patch(`${at('w')}/status?fieldManager=controller`, MERGE_PATCH, {
      metadata: { labels: { a: 'b' } },
      spec: { size: 9 },
      status: { phase: 'Ready' },
    });
    assert.equal(code, 200);
    assert.deepEqual([body.spec.size, body.status, body.metadata.labels], [1, { phase: 'Ready' }, undefined]);
    assert.equal(body.metadata.generation, 1);
    assert.deepEqual(owners(body), [
      `contract Update ${group}/v1: spec spec.colour spec.size`,
      `controller Update/status ${group}/v1: status status.phase`,
    ]);
  }),
  withWidgets('a strategic merge patch of a custom resource is a 415', async ({ api, path }, group, at) => {
    await api.post(path(`${group}/v1`, 'widgets'), widget(group, 'w', { size: 1 }));
    const { code, body } = await api.patch(at('w'), STRATEGIC_PATCH, { spec: { size: 2 } });
    assert.deepEqual([code, body.reason], [415, 'UnsupportedMediaType']);
    assert.match(
      body.message,
      /^the body of the request was in an unknown format - accepted media types include: /,
    );
  }),
  withWidgets(
    'an object is served at every version, and owned at the version it was written with',
    async ({ api, path }, group, at) => {
      await api.apply(at('w'), 'ours', widget(group, 'w', { size: 1 }));
      const { code, body } = await api.get(path(`${group}/v2`, 'widgets', 'w'));
      assert.equal(code, 200);
      assert.equal(body.apiVersion, `${group}/v2`);
      const v2 = { ...widget(group, 'w', { size: 1 }), apiVersion: `${group}/v2` };
      const { body: applied } = await api.apply(path(`${group}/v2`, 'widgets', 'w'), 'ours', v2);
      assert.deepEqual(owners(applied), [`ours Apply ${group}/v2: spec.size`]);
    },
    (version, crd) => {
      crd.spec.versions.push({ ...structuredClone(version), name: 'v2', storage: false });
    },
  ),
  withWidgets(
    'a custom resource scales through the paths its CRD names',
    async ({ api, path }, group, at) => {
      await api.apply(at('w'), 'ours', widget(group, 'w', { size: 2 }));
      const { body: scale } = await api.get(`${at('w')}/scale`);
      assert.deepEqual(
        [scale.kind, scale.apiVersion, scale.spec],
        ['Scale', 'autoscaling/v1', { replicas: 2 }],
      );
      const { code } = await api.patch(`${at('w')}/scale?fieldManager=scaler`, MERGE_PATCH, {
        spec: { replicas: 5 },
      });
      assert.equal(code, 200);
      const { body } = await api.get(path(`${group}/v1`, 'widgets', 'w'));
      assert.equal(body.spec.size, 5);
      assert.deepEqual(owners(body), [`scaler Update/scale ${group}/v1: spec.size`]);
    },
    (version) => {
      version.subresources.scale = { specReplicasPath: '.spec.size', statusReplicasPath: '.status.replicas' };
    },
  ),
  withWidgets('a watch from a forgotten resourceVersion gets the error 410', async ({ api, path }, group) => {
    // What a server remembers of a kind begins, at the earliest, when it first served it.
    using watch = await api.watch(`${path(`${group}/v1`, 'widgets')}?watch=true&resourceVersion=1`);
    const event = await watch.next();
    assert.equal(event?.type, 'ERROR');
    assert.deepEqual(
      [event?.object.kind, event?.object.code, event?.object.reason],
      ['Status', 410, 'Expired'],
    );
    assert.match(event?.object.message, /^too old resource version: 1 \(\d+\)$/);
  }),
];
