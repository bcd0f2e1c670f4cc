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

const set = (book: InventoryBook, ...entries: InventoryEntry[]): Promise<boolean> =>
  book.update('shop', () => entries, NEVER);

async function open(): Promise<{ store: MemoryStore; book: InventoryBook }> {
  const store = new MemoryStore();
  const book = new InventoryBook(store);
  await book.load(NEVER);
  return { store, book };
}

test('an inventory that is the same already is not written', async () => {
  const { store, book } = await open();
  assert.equal(await set(book, intended('a')), true);
  assert.equal(await set(book, intended('a')), false);
  assert.equal(await set(book, applied('a')), true);
  assert.equal(store.writes, 2);
});

test('what is noted is known at once and written with the next save or flush', async () => {
  const { store, book } = await open();
  await set(book, intended('a'));
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
  await set(book, applied('a'));
  await set(book);
  assert.equal(store.saved.size, 0);
  assert.deepEqual(book.placements(), []);
});

test('after a failed write the truth is read again', async () => {
  const { store, book } = await open();
  await set(book, applied('a'));
  store.failure = new Error('conflict');
  await assert.rejects(set(book, applied('b')), /conflict/);
  store.failure = undefined;
  store.saved.set('shop', [applied('theirs')]);
  await book.load(NEVER);
  assert.deepEqual(book.entries('shop').map(inventoryId), ['/ConfigMap/n/theirs']);
});

test('what was noted before a write that failed is written by the next one', async () => {
  const { store, book } = await open();
  await set(book, intended('a'), intended('b'));
  book.note('shop', applied('a'));
  store.failure = new Error('away');
  await assert.rejects(book.flush('shop', NEVER), /away/);
  store.failure = undefined;
  book.note('shop', applied('b'));
  assert.equal(await book.flush('shop', NEVER), true);
  assert.deepEqual(store.saved.get('shop'), [applied('a'), applied('b')]);
});

test('a change that changes nothing leaves what is noted where it is', async () => {
  const { store, book } = await open();
  await set(book, intended('a'));
  book.note('shop', applied('a'));
  assert.equal(await book.update('shop', () => undefined, NEVER), false);
  assert.equal(await book.update('shop', (held) => held, NEVER), false);
  assert.ok(book.hasNotes('shop'));
  assert.equal(store.writes, 1);
});

test('a change is made to what is held when its turn has come, and takes along what was noted', async () => {
  const { store, book } = await open();
  await set(book, intended('a'));
  const add = (name: string) => book.update('shop', (held) => [...held, intended(name)], NEVER);
  book.note('shop', applied('a'));
  await Promise.all([add('b'), add('c')]);
  assert.deepEqual(store.saved.get('shop'), [applied('a'), intended('b'), intended('c')]);
  store.failure = new Error('conflict');
  await assert.rejects(add('d'), /conflict/);
  store.failure = undefined;
  store.saved.set('shop', [applied('theirs')]);
  await add('d');
  assert.deepEqual(store.saved.get('shop'), [applied('theirs'), intended('d')]);
});

test('while inventories are read again nothing is written, and what was under way is waited for', async () => {
  const { store, book } = await open();
  const order: string[] = [];
  const slow = Promise.withResolvers<void>();
  const { save, loadAll } = store;
  store.save = async (placement, entries) => {
    order.push(`write ${placement}`);
    if (placement === 'slow') await slow.promise;
    if (placement === 'fails') throw new Error('conflict');
    await save.call(store, placement, entries);
    order.push(`written ${placement}`);
  };
  store.loadAll = async () => {
    order.push('read');
    return loadAll.call(store);
  };
  const put = (placement: string) => book.update(placement, () => [intended('a')], NEVER);
  const first = put('slow');
  await assert.rejects(put('fails'), /conflict/);
  const second = put('other');
  setImmediate(() => slow.resolve());
  await Promise.all([first, second]);
  assert.deepEqual(order, [
    'write slow',
    'write fails',
    'written slow',
    'read',
    'write other',
    'written other',
  ]);
  assert.deepEqual(book.placements().toSorted(), ['other', 'slow']);
});

test('an object that is about to be replaced is only intended, whatever was noted of it', async () => {
  const { store, book } = await open();
  await set(book, intended('a'), intended('b'));
  book.note('shop', applied('a'));
  book.note('shop', applied('b'));
  await book.intend('shop', intended('a'), NEVER);
  assert.deepEqual(store.saved.get('shop'), [intended('a'), applied('b')]);
});
