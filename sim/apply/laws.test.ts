import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import type { Json, JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import { builtInKind } from '../kinds/kinds.ts';
import { decodeTyped } from '../schema/decode.ts';
import { FieldSet } from './field-set.ts';
import { decodeManaged } from './managed-fields.ts';
import { mergeTyped } from './merge.ts';
import { managedFieldsOf, trackApply, trackUpdate } from './track.ts';
import { toFieldSet } from './typed.ts';
import { ConflictsError } from './updater.ts';
import type { WriteContext } from './write-context.ts';

const KIND = builtInKind('apps/v1', 'Deployment');

function context(manager: string): WriteContext {
  return {
    types: { typeAt: (version) => (version === 'apps/v1' ? KIND.type : undefined), ignored: undefined },
    manager,
    apiVersion: 'apps/v1',
    subresource: undefined,
    now: '2026-01-01T00:00:00Z',
    empty: KIND.empty,
  };
}

const text = fc.constantFrom('1', '2', '3');
// Never empty: a typed object does not keep an empty map, so applying one is new each time (real servers do the same).
const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), text, { minKeys: 1, maxKeys: 3 });
const container = fc.record(
  {
    name: fc.constantFrom('x', 'y'),
    image: text,
    args: fc.array(text, { minLength: 1, maxLength: 2 }),
    env: fc.uniqueArray(fc.record({ name: fc.constantFrom('E', 'F'), value: text }), {
      selector: ({ name }) => name,
      minLength: 1,
    }),
  },
  { requiredKeys: ['name'] },
);
const config: fc.Arbitrary<JsonObject> = fc
  .record({
    labels: fc.option(labels, { nil: undefined }),
    replicas: fc.option(fc.nat(3), { nil: undefined }),
    containers: fc.uniqueArray(container, { selector: ({ name }) => name, minLength: 1 }),
  })
  .map(({ labels: own, replicas, containers }) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', ...(own && { labels: own }) },
    spec: {
      ...(replicas !== undefined && { replicas }),
      template: { spec: { containers: containers as unknown as Json[] } },
    },
  }));

type Step = { readonly type: 'apply' | 'update'; readonly manager: string; readonly config: JsonObject };
const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('apply' as const, 'apply' as const, 'update' as const),
  manager: fc.constantFrom('one', 'two', 'three'),
  config,
});

/** The stored form: read back as the kind, which leaves out what is empty. */
function stored(object: JsonObject, managedFields: JsonObject[]): JsonObject {
  const { value } = decodeTyped(object, KIND.type);
  const metadata = isObject(value.metadata) ? value.metadata : {};
  return { ...value, metadata: { ...metadata, uid: 'u', managedFields } };
}

function apply(live: JsonObject | undefined, step: Step, force = true): JsonObject {
  const { object, managedFields } = trackApply(live, step.config, force, context(step.manager));
  return stored(object ?? live ?? {}, managedFields);
}

/** Plays steps on an object that does not exist yet. */
function play(steps: readonly Step[]): JsonObject | undefined {
  let live: JsonObject | undefined;
  for (const one of steps) {
    if (one.type === 'apply') live = apply(live, one);
    else live = stored(one.config, trackUpdate(live, one.config, context(one.manager)));
  }
  return live;
}

function setOf(object: JsonObject, manager: string): FieldSet {
  const entries = managedFieldsOf(object) as JsonObject[];
  const own = entries.filter((entry) => entry.manager === manager && entry.operation === 'Apply');
  return decodeManaged(own)?.managers.values().next().value?.set ?? new FieldSet();
}

const unowned = FieldSet.of(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ['f:metadata', 'f:name'],
  ['f:metadata', 'f:uid'],
);
const pathsOf = (set: FieldSet): string[] => [...set.paths()].map((path) => path.join('/'));

const anyHistory = fc.tuple(fc.array(step, { maxLength: 6 }), step);

test('applying the same configuration again changes neither object nor owners', () => {
  fc.assert(
    fc.property(anyHistory, ([steps, last]) => {
      const once = apply(play(steps), last);
      assert.deepEqual(apply(once, last), once);
    }),
  );
});

test('a forced apply owns exactly the fields it says', () => {
  fc.assert(
    fc.property(anyHistory, ([steps, last]) => {
      const object = apply(play(steps), last);
      const said = toFieldSet(last.config, KIND.type).difference(unowned);
      assert.deepEqual(pathsOf(setOf(object, last.manager)), pathsOf(said));
    }),
  );
});

test('after a forced apply the object has every value the configuration says', () => {
  fc.assert(
    fc.property(anyHistory, ([steps, last]) => {
      const object = apply(play(steps), last);
      const overlaid = mergeTyped(object, last.config, KIND.type) as JsonObject;
      assert.deepEqual(stored(overlaid, []), stored(object, []));
    }),
  );
});

test('an apply without force either changes nothing of others or is a conflict', () => {
  fc.assert(
    fc.property(anyHistory, ([steps, last]) => {
      const before = play(steps);
      let after: JsonObject;
      try {
        after = apply(before, last, false);
      } catch (error) {
        if (!(error instanceof ConflictsError)) throw error;
        assert.ok(error.conflicts.length > 0);
        return;
      }
      for (const manager of ['one', 'two', 'three']) {
        if (manager === last.manager || before === undefined) continue;
        assert.deepEqual(pathsOf(setOf(after, manager)), pathsOf(setOf(before, manager)));
      }
    }),
  );
});

test('whoever applies nothing any more owns nothing, and what only they owned is gone', () => {
  fc.assert(
    fc.property(config, config, (first, second) => {
      const both = apply(apply(undefined, { type: 'apply', manager: 'one', config: first }), {
        type: 'apply',
        manager: 'two',
        config: second,
      });
      const empty = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } };
      const after = apply(both, { type: 'apply', manager: 'one', config: empty });
      const alone = apply(undefined, { type: 'apply', manager: 'two', config: second });
      assert.deepEqual(pathsOf(setOf(after, 'one')), []);
      const values = (object: JsonObject) => pathsOf(toFieldSet(object.spec ?? null, specType()));
      assert.deepEqual(values(after), values(alone));
    }),
  );
});

function specType() {
  const field = KIND.type.fields.get('spec');
  if (!field) throw new Error('a Deployment has a spec');
  return field.type;
}

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"s"');
const fieldSet = fc
  .array(fc.array(element, { minLength: 1, maxLength: 3 }), { maxLength: 6 })
  .map((paths) => FieldSet.of(...paths));

test('a field set written as fieldsV1 reads back as itself', () => {
  fc.assert(
    fc.property(fieldSet, (set) => {
      assert.deepEqual(pathsOf(FieldSet.fromJson(set.toJson())), pathsOf(set));
    }),
  );
});

test('field sets are sets of paths under union, intersection and difference', () => {
  fc.assert(
    fc.property(fieldSet, fieldSet, (a, b) => {
      const [left, right] = [new Set(pathsOf(a)), new Set(pathsOf(b))];
      const sorted = (paths: Iterable<string>) => [...paths].sort();
      assert.deepEqual(sorted(pathsOf(a.union(b))), sorted(new Set([...left, ...right])));
      assert.deepEqual(sorted(pathsOf(a.intersection(b))), sorted([...left].filter((p) => right.has(p))));
      assert.deepEqual(sorted(pathsOf(a.difference(b))), sorted([...left].filter((p) => !right.has(p))));
    }),
  );
});
