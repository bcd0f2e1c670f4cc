import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { FlotillaError } from './faults.ts';
import { decodeInventory, encodeInventory, type Inventory } from './inventory.ts';

const inventory: Inventory = {
  placement: 'web',
  entries: [
    {
      group: '',
      version: 'v1',
      kind: 'ConfigMap',
      namespace: 'web',
      name: 'a',
      state: 'applied',
      uid: 'u-1',
      fieldsHash: 'h',
    },
    { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'web', name: 'web', state: 'intended' },
  ],
};

test('an inventory reads back as it was written', () => {
  assert.deepEqual(decodeInventory(encodeInventory(inventory)), inventory);
});

test('the encoding is the contract of version 1, byte for byte of its JSON', () => {
  const json = gunzipSync(Buffer.concat(encodeInventory(inventory))).toString();
  assert.equal(
    json,
    '{"v":1,"placement":"web","entries":[["a","","v1","ConfigMap","web","a","u-1","h"],["i","apps","v1","Deployment","web","web","",""]]}',
  );
});

test('a Job that completed makes it version 2, and inventories of version 1 are read as ever', () => {
  const job = {
    group: 'batch',
    version: 'v1',
    kind: 'Job',
    namespace: 'web',
    name: 'migrate',
    state: 'applied' as const,
    uid: 'u-2',
    fieldsHash: 'h',
    finished: 'content',
  };
  const withJob = { placement: 'web', entries: [...inventory.entries, job] };
  const chunks = encodeInventory(withJob);
  assert.deepEqual(decodeInventory(chunks), withJob);
  assert.match(
    gunzipSync(Buffer.concat(chunks)).toString(),
    /^\{"v":2,.*\["f","batch","v1","Job","web","migrate","u-2","h","content"\]\]\}$/,
  );
  const older = gzipSync(
    '{"v":1,"placement":"web","entries":[["a","","v1","ConfigMap","web","a","u-1","h"]]}',
  );
  assert.deepEqual(decodeInventory([older]).entries, [inventory.entries[0]]);
});

test('a large inventory is cut into chunks that fit a ConfigMap', () => {
  const entries = Array.from({ length: 30_000 }, (_, index) => ({
    ...inventory.entries[0]!,
    state: 'applied' as const,
    name: `object-${index}`,
    uid: crypto.randomUUID(),
    fieldsHash: crypto.randomUUID(),
  }));
  const chunks = encodeInventory({ placement: 'web', entries });
  assert.ok(chunks.length > 1 && chunks.every((chunk) => chunk.length <= 600_000));
  assert.equal(decodeInventory(chunks).entries.length, 30_000);
});

test('damage and an unknown version are inventory-unreadable, never an empty inventory', () => {
  const other = gzipSync('{"v":3,"placement":"web","entries":[]}');
  const torn = gzipSync('{"v":1,"placement":"web","entries":[["a","","v1"]]}');
  for (const [chunks, says] of [
    [[], /^it cannot be read: unexpected end of file$/],
    [[Buffer.from('nonsense')], /^it cannot be read: incorrect header check$/],
    [[other], /^it cannot be read: it is of version 3, and 1 and 2 are known$/],
    [[torn], /^it cannot be read: entries\.0(\.\d)?: [^\n]+$/],
  ] as const)
    assert.throws(
      () => decodeInventory(chunks, 'it'),
      (error) =>
        error instanceof FlotillaError && error.code === 'inventory-unreadable' && says.test(error.message),
    );
});
