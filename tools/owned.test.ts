import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runOwned, spawnOwned } from './owned.ts';

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function gone(pid: number): Promise<void> {
  for (const end = Date.now() + 60_000; alive(pid); await delay(20)) {
    assert.ok(Date.now() < end, `process ${pid} is still there`);
  }
}

test('an owned process ends when its owner is killed with -9, and so does what it started', async () => {
  const owner = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { spawnOwned } from ${JSON.stringify(fileURLToPath(new URL('./owned.ts', import.meta.url)))};
       spawnOwned('/bin/sh', ['-c', 'sleep 600 & echo $$ $!; wait'], { stdout: 'inherit' });
       setTimeout(() => {}, 600_000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string];
  const pids = line.trim().split(' ').map(Number);
  assert.equal(pids.length, 2);
  assert.ok(pids.every(alive));
  owner.kill('SIGKILL');
  await Promise.all(pids.map(gone));
});

test('stop ends a process that ignores SIGTERM after its grace', async () => {
  const owned = spawnOwned('/bin/sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 600; done'], {
    stdout: 'pipe',
  });
  await once(owned.child.stdout!, 'data');
  await owned.stop(50);
  assert.equal((await owned.ended).signal, 'SIGKILL');
});

test('the exit code and the output of a program are its own', async () => {
  const { code, stdout, stderr } = await runOwned('/bin/sh', ['-c', 'echo out; echo err >&2; exit 7']);
  assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
});

test('a program that does not exist ends with code 127', async () => {
  assert.equal((await runOwned('/does/not/exist', [])).code, 127);
});

test('an abort ends a running program and rejects', async () => {
  const started = Date.now();
  await assert.rejects(runOwned('sleep', ['600'], {}, AbortSignal.timeout(100)), { name: 'TimeoutError' });
  assert.ok(Date.now() - started < 60_000);
});

test('what a program leaves running in its group ends with it', async () => {
  const owned = spawnOwned('/bin/sh', ['-c', 'sleep 600 & echo $!'], { stdout: 'pipe' });
  const [line] = (await once(owned.child.stdout!.setEncoding('utf8'), 'data')) as [string];
  await owned.ended;
  await gone(Number(line));
});
