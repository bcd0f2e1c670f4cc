import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownControllers } from './controllers.ts';
import {
  type DriftRules,
  findDrift,
  handedOver,
  holderPrints,
  mayBeHandedOver,
  suspectDrift,
} from './drift.ts';
import { parseFields, pointerOf } from './fieldset.ts';
import { compileRules } from './ignore.ts';
import { FIELD_MANAGER } from './managed-fields.ts';
import type { KubeObject, ManagedFieldsEntry } from './object.ts';

const RULES: DriftRules = { ignore: [], controllers: knownControllers(), removeExtras: false };
const image = { 'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:image': {} } };
const OURS = {
  'f:metadata': { 'f:labels': { 'f:team': {} } },
  'f:spec': { 'f:replicas': {}, 'f:containers': image },
};
const desired: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', labels: { team: 'a' } },
  spec: { replicas: 2, containers: [{ name: 'web', image: 'x:1' }] },
};

const apply = (fieldsV1: object): ManagedFieldsEntry => ({
  manager: FIELD_MANAGER,
  operation: 'Apply',
  time: '2026-01-01T00:00:00Z',
  fieldsV1: fieldsV1 as Record<string, unknown>,
});
const update = (
  manager: string,
  fieldsV1: object,
  more: Partial<ManagedFieldsEntry> = {},
): ManagedFieldsEntry => ({
  manager,
  operation: 'Update',
  time: '2026-01-02T00:00:00Z',
  fieldsV1: fieldsV1 as Record<string, unknown>,
  ...more,
});

type Case = {
  live: Partial<{ replicas: number; image: string | null; labels: Record<string, string>; env: unknown[] }>;
  managedFields: ManagedFieldsEntry[];
  before?: ManagedFieldsEntry[];
  rules?: Partial<DriftRules>;
};

function driftOf({ live, managedFields, before, rules }: Case): string[] {
  const all = { ...RULES, ...rules };
  const ours = parseFields(OURS);
  const suspects = suspectDrift({
    ours,
    desired,
    managedFields,
    previous: before && { suspects: undefined, prints: holderPrints(before) },
    rules: all,
  });
  if (!suspects) return [];
  const container = { name: 'web', image: live.image ?? 'x:1', ...(live.env && { env: live.env }) };
  const object = {
    ...desired,
    metadata: { ...desired.metadata, labels: live.labels ?? { team: 'a' }, managedFields },
    spec: { replicas: live.replicas ?? 2, containers: live.image === null ? [] : [container] },
  };
  return findDrift({ ours, desired, live: object, suspects, rules: all }).map(
    ({ kind, pointer, desired: want, live: have, actor }) =>
      `${kind} ${pointer} ${JSON.stringify(want)} ${JSON.stringify(have)} ${actor?.manager ?? null}`,
  );
}

const { 'f:replicas': _, ...withoutReplicas } = OURS['f:spec'];
const OURS_WITHOUT_REPLICAS = { ...OURS, 'f:spec': withoutReplicas };
const OURS_WITHOUT_LABEL = { 'f:spec': OURS['f:spec'] };
const OURS_WITHOUT_CONTAINER = { ...OURS, 'f:spec': { 'f:replicas': {} } };
const REPLICAS = { 'f:spec': { 'f:replicas': {} } };

test('managedFields tell what drifted, and who did it', () => {
  const table: Record<string, [Case, string[]]> = {
    'nothing moved': [{ live: {}, managedFields: [apply(OURS)] }, []],
    'a field was changed': [
      {
        live: { replicas: 5 },
        managedFields: [apply(OURS_WITHOUT_REPLICAS), update('kubectl-edit', REPLICAS)],
      },
      ['CHANGED /spec/replicas 2 5 kubectl-edit'],
    ],
    'it was changed and changed back: only its ownership moved': [
      {
        live: { replicas: 2 },
        managedFields: [apply(OURS_WITHOUT_REPLICAS), update('kubectl-edit', REPLICAS)],
      },
      [],
    ],
    'somebody set the same value and owns it beside us': [
      { live: { replicas: 2 }, managedFields: [apply(OURS), update('kubectl-edit', REPLICAS)] },
      [],
    ],
    'a controller owns replicas by design': [
      {
        live: { replicas: 5 },
        managedFields: [
          apply(OURS_WITHOUT_REPLICAS),
          update('kube-controller-manager', REPLICAS, { subresource: 'scale' }),
        ],
      },
      [],
    ],
    'somebody scaled by hand': [
      {
        live: { replicas: 5 },
        managedFields: [apply(OURS_WITHOUT_REPLICAS), update('kubectl', REPLICAS, { subresource: 'scale' })],
      },
      ['CHANGED /spec/replicas 2 5 kubectl'],
    ],
    'several hold it: the newest has set it': [
      {
        live: { replicas: 5 },
        managedFields: [
          apply(OURS_WITHOUT_REPLICAS),
          update('old', REPLICAS, { time: '2026-01-02T00:00:00Z' }),
          update('new', REPLICAS, { time: '2026-01-03T00:00:00Z' }),
        ],
      },
      ['CHANGED /spec/replicas 2 5 new'],
    ],
    'a field was removed and nobody is known': [
      { live: { labels: {} }, managedFields: [apply(OURS_WITHOUT_LABEL)] },
      ['MISSING /metadata/labels/team "a" undefined null'],
    ],
    'a field was removed in the event in which exactly one entry changed': [
      {
        live: { labels: {} },
        before: [apply(OURS), update('bystander', { 'f:x': {} })],
        managedFields: [
          apply(OURS_WITHOUT_LABEL),
          update('bystander', { 'f:x': {} }),
          update('culprit', {
            'f:metadata': { 'f:annotations': { 'f:kubectl.kubernetes.io/restartedAt': {} } },
          }),
        ],
      },
      ['MISSING /metadata/labels/team "a" undefined culprit'],
    ],
    'a field was removed while two entries changed: nobody is named': [
      {
        live: { labels: {} },
        before: [apply(OURS)],
        managedFields: [
          apply(OURS_WITHOUT_LABEL),
          update('kube-scheduler', { 'f:y': {} }),
          update('kubelet', { 'f:x': {} }),
        ],
      },
      ['MISSING /metadata/labels/team "a" undefined null'],
    ],
    'a whole list element was removed: one drift, not one per field': [
      { live: { image: null }, managedFields: [apply(OURS_WITHOUT_CONTAINER)] },
      ['MISSING /spec/containers[name=web] {"name":"web","image":"x:1"} undefined null'],
    ],
    'an element was added to a list inside one of ours': [
      {
        live: { env: [{ name: 'DEBUG', value: '1' }] },
        managedFields: [
          apply(OURS),
          update('kubectl-edit', {
            'f:spec': {
              'f:containers': {
                'k:{"name":"web"}': {
                  '.': {},
                  'f:env': { '.': {}, 'k:{"name":"DEBUG"}': { '.': {}, 'f:name': {}, 'f:value': {} } },
                },
              },
            },
          }),
        ],
      },
      [
        'EXTRA /spec/containers[name=web]/env[name=DEBUG] undefined {"name":"DEBUG","value":"1"} kubectl-edit',
      ],
    ],
    'a label was added': [
      {
        live: { labels: { team: 'a', evil: 'x' } },
        managedFields: [apply(OURS), update('k9s', { 'f:metadata': { 'f:labels': { 'f:evil': {} } } })],
      },
      ['EXTRA /metadata/labels/evil undefined "x" k9s'],
    ],
    'a controller added an annotation, status was written': [
      {
        live: {},
        managedFields: [
          apply(OURS),
          update('kube-controller-manager', { 'f:metadata': { 'f:annotations': { 'f:x': {} } } }),
          update('anybody', { 'f:status': { 'f:replicas': {} } }, { subresource: 'status' }),
          update('crd-controller', { 'f:status': { 'f:phase': {} } }),
        ],
      },
      [],
    ],
    'an ignore rule covers it': [
      {
        live: { replicas: 5 },
        managedFields: [apply(OURS_WITHOUT_REPLICAS), update('kubectl-edit', REPLICAS)],
        rules: { ignore: compileRules([{ paths: ['/spec/replicas'], reason: 'x' }], 0) },
      },
      [],
    ],
  };
  for (const [name, [given, expected]] of Object.entries(table))
    assert.deepEqual(driftOf(given), expected, name);
});

test('an event that moves nothing of ours needs no request', () => {
  const managedFields = [apply(OURS), update('kubelet', { 'f:status': {} }, { subresource: 'status' })];
  const ours = parseFields(OURS);
  assert.equal(suspectDrift({ ours, desired, managedFields, previous: undefined, rules: RULES }), undefined);
});

test('where our entry is gone a dry-run judges, field by field', () => {
  const ours = parseFields(OURS);
  const suspects = suspectDrift({ ours, desired, managedFields: [], previous: undefined, rules: RULES })!;
  assert.equal(suspects.doubtful, true);
  const live = { ...desired, spec: { replicas: 7, containers: [{ name: 'web', image: 'x:1' }] } };
  const found = findDrift({ ours, desired, live, suspects, rules: RULES, would: desired });
  assert.deepEqual(
    found.map(({ kind, pointer, actor }) => [kind, pointer, actor]),
    [['CHANGED', '/spec/replicas', null]],
  );
});

test('drift of a Secret has no values', () => {
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: { p: 'YQ==' },
  };
  const ours = parseFields({ 'f:data': { 'f:p': {} } });
  const managedFields = [update('kubectl-edit', { 'f:data': { 'f:p': {} } })];
  const suspects = suspectDrift({
    ours,
    desired: secret,
    managedFields: [apply({ 'f:x': {} }), ...managedFields],
    previous: undefined,
    rules: RULES,
  })!;
  const live = { ...secret, data: { p: 'Yg==' } };
  const [found] = findDrift({ ours, desired: secret, live, suspects, rules: RULES });
  assert.deepEqual(
    [found!.pointer, found!.redacted, found!.desired, found!.live],
    ['/data/p', true, undefined, undefined],
  );
});

test('what is being deleted cannot be healed; an extra only where extras are removed', () => {
  const ours = parseFields(OURS);
  const managedFields = [
    apply(OURS_WITHOUT_REPLICAS),
    update('k9s', { ...REPLICAS, 'f:metadata': { 'f:labels': { 'f:evil': {} } } }),
  ];
  const healable = (removeExtras: boolean, deletionTimestamp?: string) => {
    const rules = { ...RULES, removeExtras };
    const suspects = suspectDrift({ ours, desired, managedFields, previous: undefined, rules })!;
    const metadata = {
      ...desired.metadata,
      labels: { team: 'a', evil: 'x' },
      ...(deletionTimestamp && { deletionTimestamp }),
    };
    const live = { ...desired, metadata, spec: { ...(desired.spec as object), replicas: 5 } };
    return findDrift({ ours, desired, live, suspects, rules }).map((finding) => finding.healable);
  };
  assert.deepEqual(healable(false), [false, true]);
  assert.deepEqual(healable(true), [true, true]);
  assert.deepEqual(healable(false, '2026-01-01T00:00:00Z'), [false, false]);
});

test('what a spared manager holds of our content is handed over', () => {
  const managedFields = [
    apply(OURS_WITHOUT_REPLICAS),
    update('kube-controller-manager', REPLICAS, { subresource: 'scale' }),
    update('kubectl-edit', { 'f:metadata': { 'f:labels': { 'f:team': {} } } }),
  ];
  assert.deepEqual(handedOver(desired, managedFields, RULES).map(pointerOf), ['/spec/replicas']);
});

test('what Git declares is not handed over to what stood there before any apply', () => {
  const managedFields = [apply(OURS), update('before-first-apply', OURS)];
  assert.deepEqual(handedOver(desired, managedFields, RULES), []);
});

test('replicas, and whatever an ignore rule is about, may be taken over by somebody at any moment', () => {
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'n' }, data: {} };
  const rules = (kind: string) => ({
    ...RULES,
    ignore: compileRules([{ kind, paths: ['/data/x'], reason: 'r' }], 0),
  });
  assert.equal(mayBeHandedOver(desired, RULES), true);
  assert.equal(mayBeHandedOver(map, RULES), false);
  assert.equal(mayBeHandedOver(map, rules('Secret')), false);
  assert.equal(mayBeHandedOver(map, rules('ConfigMap')), true);
});
