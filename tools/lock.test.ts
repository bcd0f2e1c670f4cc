import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isStale, withLock } from './lock.ts';

test('many runs at once hold the lock one after the other, and leave nothing', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-lock-'));
  const path = join(directory.path, 'lock');
  let inside = 0;
  let most = 0;
  const runs = Array.from({ length: 8 }, () =>
    withLock(path, { pollMs: 1 }, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await delay(2);
      inside -= 1;
    }),
  );
  await Promise.all(runs);
  assert.equal(most, 1);
  assert.deepEqual(await readdir(directory.path), []);
});

test('a lock whose holder is gone, or that is no lock at all, is taken over by exactly one of many', async () => {
  for (const left of [
    '{"pid":999999999,"started":"1","token":"t"}',
    '{"pid":1,"started":"-1","token":"t"}',
    '',
  ]) {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-lock-'));
    const path = join(directory.path, 'lock');
    await writeFile(path, left);
    let inside = 0;
    const body = async () => {
      inside += 1;
      assert.equal(inside, 1);
      await delay(2);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 4 }, () => withLock(path, { pollMs: 1 }, body)));
    assert.deepEqual(await readdir(directory.path), []);
  }
});

test('who waits is told for whom, once, and can give up', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-lock-'));
  const path = join(directory.path, 'lock');
  await withLock(path, {}, async () => {
    const told: number[] = [];
    const enough = new AbortController();
    const onWait = ({ pid }: { pid: number }) => {
      told.push(pid);
      setTimeout(() => enough.abort(), 50);
    };
    const fail = async () => assert.fail('two holders');
    const waiting = withLock(path, { pollMs: 1, onWait }, fail, enough.signal);
    await assert.rejects(waiting, { name: /Abort|Timeout/ });
    assert.deepEqual(told, [process.pid]);
    assert.deepEqual(await readdir(directory.path), ['lock']);
  });
});

test('a lock is released when its body fails', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-lock-'));
  const path = join(directory.path, 'lock');
  await assert.rejects(
    withLock(path, {}, () => Promise.reject(new Error('body'))),
    /body/,
  );
  assert.equal(await withLock(path, {}, async () => 'again'), 'again');
});

test('a holder is stale when its process is gone or another one has its number now', () => {
  const holder = { pid: 7, started: '100', token: 't' };
  assert.ok(isStale(holder, undefined));
  assert.ok(isStale(holder, '200'));
  assert.ok(!isStale(holder, '100'));
  assert.ok(!isStale(holder, ''));
  assert.ok(!isStale({ ...holder, started: '' }, '200'));
});
