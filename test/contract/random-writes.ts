import assert from 'node:assert/strict';
import fc from '#test/laws.ts';
import type { Answer, Api, Loose } from './api.ts';
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH } from './api.ts';
import { normal } from './normal.ts';

/** One write of a random history. */
export type Operation =
  | { readonly type: 'apply'; readonly manager: string; readonly force: boolean; readonly config: Loose }
  | { readonly type: 'patch'; readonly manager: string; readonly patchType: string; readonly patch: Loose }
  | { readonly type: 'replace'; readonly manager: string; readonly config: Loose }
  | { readonly type: 'wipe' };

const value = fc.constantFrom('1', '2');
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Drops what is undefined, as JSON does. */
const plain = (object: Loose): Loose => JSON.parse(JSON.stringify(object));

const env = fc.uniqueArray(fc.record({ name: fc.constantFrom('A', 'B', 'C'), value }), {
  selector: (item) => item.name,
  maxLength: 3,
});
const ports = fc.uniqueArray(
  fc.record(
    {
      containerPort: fc.constantFrom(80, 443),
      protocol: fc.constantFrom('TCP', 'UDP'),
      name: fc.constantFrom('p', 'q'),
    },
    { requiredKeys: ['containerPort'] },
  ),
  { selector: (port) => `${port.containerPort}/${port.protocol ?? 'TCP'}`, maxLength: 2 },
);
const container = (name: string) =>
  fc.record(
    {
      name: fc.constant(name),
      image: value.map((tag) => `registry.example/${name}:${tag}`),
      args: fc.array(value, { maxLength: 2 }),
      env,
      ports,
      resources: fc.record(
        { limits: fc.record({ cpu: fc.constantFrom('1', '1000m', 2) }, { requiredKeys: [] }) },
        { requiredKeys: [] },
      ),
      stdin: fc.boolean(),
      securityContext: fc.record({ runAsUser: fc.constantFrom(0, 1) }, { requiredKeys: [] }),
    },
    { requiredKeys: ['name', 'image'] },
  );
const containers = fc
  .tuple(container('x'), some(container('y')), fc.boolean())
  .map(([x, y, swapped]) => (y === undefined ? [x] : swapped ? [y, x] : [x, y]));
const labels = fc.dictionary(fc.constantFrom('l', 'm'), value, { maxKeys: 2 });

/** A suspended CronJob: a whole pod spec that no controller touches. */
const cronJob = fc
  .record({
    labels: some(labels),
    annotations: some(labels),
    finalizers: some(fc.uniqueArray(fc.constantFrom('example.org/a', 'example.org/b'), { maxLength: 2 })),
    historyLimit: some(fc.constantFrom(0, 1, 3)),
    nodeSelector: some(labels),
    volumes: some(fc.constantFrom([{ name: 'v', emptyDir: {} }], [{ name: 'v', configMap: { name: 'c' } }])),
    podLabels: some(labels),
    containers,
  })
  .map((o) =>
    plain({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'random', labels: o.labels, annotations: o.annotations, finalizers: o.finalizers },
      spec: {
        schedule: '0 0 1 1 *',
        suspend: true,
        successfulJobsHistoryLimit: o.historyLimit,
        jobTemplate: {
          spec: {
            template: {
              metadata: { labels: o.podLabels },
              spec: {
                restartPolicy: 'Never',
                nodeSelector: o.nodeSelector,
                volumes: o.volumes,
                containers: o.containers,
              },
            },
          },
        },
      },
    }),
  );

const podPatch = (spec: Loose) => plain({ spec: { jobTemplate: { spec: { template: { spec } } } } });
const strategicEnv = fc.oneof(
  env,
  fc.constantFrom<Loose[]>([{ name: 'A', $patch: 'delete' }], [{ $patch: 'replace' }]),
);
const patch: fc.Arbitrary<[string, Loose]> = fc.oneof(
  fc
    .record({ containers: some(containers), nodeSelector: some(fc.oneof(labels, fc.constant(null))) })
    .map((spec): [string, Loose] => [MERGE_PATCH, podPatch(spec)]),
  fc
    .record({ labels: fc.oneof(labels, fc.constant(null)), finalizers: some(fc.constant(null)) })
    .map((metadata): [string, Loose] => [MERGE_PATCH, plain({ metadata })]),
  fc
    .record({
      name: fc.constantFrom('x', 'y'),
      env: some(strategicEnv),
      image: some(fc.constant('registry.example/z:9')),
    })
    .map((one): [string, Loose] => [STRATEGIC_PATCH, podPatch({ containers: [one] })]),
  fc.constantFrom<[string, Loose]>(
    [JSON_PATCH, [{ op: 'remove', path: '/metadata/labels/l' }]],
    [
      JSON_PATCH,
      [{ op: 'replace', path: '/spec/jobTemplate/spec/template/spec/containers/0/image', value: 'other:1' }],
    ],
    [JSON_PATCH, [{ op: 'add', path: '/metadata/annotations', value: { set: 'by-json' } }]],
    [STRATEGIC_PATCH, podPatch({ containers: [{ name: 'y', $patch: 'delete' }] })],
  ),
);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('apply' as const),
      manager: fc.constantFrom('one', 'two'),
      force: fc.boolean(),
      config: cronJob,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('edit', 'set'), patch).map(([manager, [patchType, body]]) => ({
      type: 'patch' as const,
      manager,
      patchType,
      patch: body,
    })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('replace' as const),
      manager: fc.constant('put'),
      config: cronJob,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'wipe' as const }) },
);

/** Histories of writes to one object of a built-in kind by two appliers and several updaters. */
export const cronJobHistory: fc.Arbitrary<Operation[]> = fc.array(operation, { minLength: 2, maxLength: 8 });

const part = fc.record(
  { id: fc.constantFrom('a', 'b'), kind: fc.constantFrom('plain', 'fancy'), weight: fc.constantFrom(1, 2) },
  { requiredKeys: ['id'] },
);
const widgetSpec = fc
  .record({
    size: fc.constantFrom(1, 2),
    colour: some(fc.constantFrom('red', 'blue', null)),
    limit: some(fc.constantFrom<string | number>(1, '50%')),
    tags: some(fc.uniqueArray(fc.constantFrom('t', 'u', 'v'), { maxLength: 3 })),
    parts: some(fc.uniqueArray(part, { selector: (p) => `${p.id}/${p.kind ?? 'plain'}`, maxLength: 3 })),
    steps: some(fc.array(fc.record({ run: value }), { maxLength: 2 })),
    options: some(labels),
    free: some(
      fc.constantFrom<Loose>(
        {},
        { a: 1 },
        { a: { b: [1, 2] }, c: 'x' },
        { a: { b: [1] } },
        { c: null },
        { c: [] },
      ),
    ),
    exact: some(fc.record({ a: value, b: value }, { requiredKeys: [] })),
  })
  .map(plain);

/** Histories of writes to one custom resource with sets, keyed lists, atomic and open maps. */
export function widgetHistory(group: string): fc.Arbitrary<Operation[]> {
  const config = fc
    .record({ spec: widgetSpec, labels: some(labels) })
    .map(({ spec, labels: own }) =>
      plain({ apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'random', labels: own }, spec }),
    );
  const partial = fc
    .tuple(widgetSpec, fc.constantFrom('size', 'tags', 'parts', 'options', 'free', 'exact', 'colour'))
    .map(([spec, name]) => ({ spec: { [name]: spec[name] ?? null } }));
  const write = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constant('apply' as const),
        manager: fc.constantFrom('one', 'two'),
        force: fc.boolean(),
        config,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('patch' as const),
        manager: fc.constantFrom('edit', 'set'),
        patchType: fc.constant(MERGE_PATCH),
        patch: partial,
      }),
    },
    { weight: 1, arbitrary: fc.constant({ type: 'wipe' as const }) },
  );
  return fc.array(write, { minLength: 2, maxLength: 8 });
}

async function play(api: Api, at: string, one: Operation): Promise<Answer> {
  switch (one.type) {
    case 'apply':
      return api.patch(`${at}?fieldManager=${one.manager}&force=${one.force}`, APPLY_PATCH, one.config);
    case 'patch':
      return api.patch(`${at}?fieldManager=${one.manager}`, one.patchType, one.patch);
    case 'replace':
      return api.put(`${at}?fieldManager=${one.manager}`, one.config);
    case 'wipe':
      return api.patch(`${at}?fieldManager=wipe`, MERGE_PATCH, { metadata: { managedFields: [{}] } });
    default:
      return one satisfies never;
  }
}

/** What an answer says, without the order in which a server happens to list conflicts. */
function essence({ code, body }: Answer): Loose {
  if (body.kind !== 'Status') return { code, body: normal(body) };
  const causes = (body.details?.causes ?? []).map((cause: Loose) => `${cause.field} ${cause.reason}`).sort();
  return { code, reason: body.reason, causes };
}

/**
 * Plays a history on two servers, on the object at the path, which is gone before and after it. After each write both
 * must answer the same and hold the same object.
 */
export async function playOnBoth(
  expected: Api,
  actual: Api,
  at: string,
  operations: readonly Operation[],
): Promise<void> {
  for (const [i, one] of operations.entries()) {
    const [theirs, ours] = await Promise.all([play(expected, at, one), play(actual, at, one)]);
    assert.deepEqual(essence(ours), essence(theirs), `write ${i}`);
    const [their, our] = await Promise.all([expected.get(at), actual.get(at)]);
    assert.deepEqual(essence(our), essence(their), `object after write ${i}`);
  }
}

/** Removes the object at a path, whatever holds it. */
export async function removeFrom(api: Api, at: string): Promise<void> {
  await api.patch(at, MERGE_PATCH, { metadata: { finalizers: null } });
  await api.delete(at);
}
