import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Inventory, type InventoryEntry, inventoryId } from '#proto/inventory.ts';
import { InventoryBook } from './inventory-book.ts';
import type { InventoryStore } from './ports.ts';

const NEVER = new AbortController().signal;
const intended = (name: string): InventoryEntry => ({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  namespace: 'n',
  name,
  state: 'intended',
});
const applied = (name: string, uid = 'u'): InventoryEntry => ({
  ...intended(name),
  state: 'applied',
  uid,
  fieldsHash: 'h',
});

class MemoryStore implements InventoryStore {
  readonly saved = new Map<string, readonly InventoryEntry[]>();
  writes = 0;
  failure: Error | undefined;

  async loadAll(): Promise<Inventory[]> {
    return [...this.saved].map(([placement, entries]) => ({ placement, entries }));
  }

  async save(placement: string, entries: readonly InventoryEntry[]): Promise<void> {
    this.writes++;
    if (this.failure) throw this.failure;
    this.saved.set(placement, entries);
  }

  async remove(placement: string): Promise<void> {
    this.writes++;
    this.saved.delete(placement);
  }
}

async function open(): Promise<{ store: MemoryStore; book: InventoryBook }> {
  const store = new MemoryStore();
  const book = new InventoryBook(store);
  await book.load(NEVER);
  return { store, book };
}

test('an inventory that is the same already is not written', async () => {
  const { store, book } = await open();
  assert.equal(await book.save('shop', [intended('a')], NEVER), true);
  assert.equal(await book.save('shop', [intended('a')], NEVER), false);
  assert.equal(await book.save('shop', [applied('a')], NEVER), true);
  assert.equal(store.writes, 2);
});

test('what is noted is known at once and written with the next save or flush', async () => {
  const { store, book } = await open();
  await book.save('shop', [intended('a')], NEVER);
  book.note('shop', applied('a'));
  assert.deepEqual(book.entries('shop'), [applied('a')]);
  assert.deepEqual(store.saved.get('shop'), [intended('a')]);
  await book.flush('shop', NEVER);
  assert.deepEqual(store.saved.get('shop'), [applied('a')]);
  book.note('shop', applied('a'));
  book.note('shop', applied('unknown'));
  assert.ok(!book.hasNotes('shop'));
  await book.flush('shop', NEVER);
  assert.equal(store.writes, 2);
});

test('an empty inventory is removed', async () => {
  const { store, book } = await open();
  await book.save('shop', [applied('a')], NEVER);
  await book.save('shop', [], NEVER);
  assert.equal(store.saved.size, 0);
  assert.deepEqual(book.placements(), []);
});

test('after a failed write the truth is read again', async () => {
  const { store, book } = await open();
  await book.save('shop', [applied('a')], NEVER);
  store.failure = new Error('conflict');
  await assert.rejects(book.save('shop', [applied('b')], NEVER), /conflict/);
  store.failure = undefined;
  store.saved.set('shop', [applied('theirs')]);
  await book.load(NEVER);
  assert.deepEqual(book.entries('shop').map(inventoryId), ['/ConfigMap/n/theirs']);
});

test('what was noted before a write that failed is written by the next one', async () => {
  const { store, book } = await open();
  await book.save('shop', [intended('a'), intended('b')], NEVER);
  book.note('shop', applied('a'));
  store.failure = new Error('away');
  await assert.rejects(book.flush('shop', NEVER), /away/);
  store.failure = undefined;
  book.note('shop', applied('b'));
  assert.equal(await book.flush('shop', NEVER), true);
  assert.deepEqual(store.saved.get('shop'), [applied('a'), applied('b')]);
});

test('a save that was prepared before something was noted keeps the note', async () => {
  const { store, book } = await open();
  await book.save('shop', [intended('a')], NEVER);
  const ahead = [...book.entries('shop'), intended('b')];
  book.note('shop', applied('a'));
  await book.save('shop', ahead, NEVER);
  assert.deepEqual(store.saved.get('shop'), [applied('a'), intended('b')]);
});

test('an object that is about to be replaced is only intended, whatever was noted of it', async () => {
  const { store, book } = await open();
  await book.save('shop', [intended('a'), intended('b')], NEVER);
  book.note('shop', applied('a'));
  book.note('shop', applied('b'));
  await book.intend('shop', intended('a'), NEVER);
  assert.deepEqual(store.saved.get('shop'), [intended('a'), applied('b')]);
});
