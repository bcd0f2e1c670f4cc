import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertNoSurvivors } from './leaks.ts';

/** Starts the command; `seen` resolves with what its output matched, as soon as it does. */
function runBed(...args: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      for (const listener of listeners) listener();
    });
  }
  const seen = async (pattern: RegExp): Promise<string> => {
    const found = Promise.withResolvers<string>();
    const look = () => {
      const match = pattern.exec(output)?.[1];
      if (match !== undefined) found.resolve(match);
    };
    listeners.add(look);
    look();
    exited.then(() => found.reject(new Error(`the bed ended without ${pattern}:\n${output}`)));
    return found.promise;
  };
  return { child, exited, seen, output: () => output };
}

test('the bed prints where everything is, and Ctrl-C leaves no process and no file', async () => {
  const bed = runBed('--clusters', '0');
  const dir = await bed.seen(/starting in (\S+)/);
  const url = await bed.seen(/Git +(\S+)/);
  await bed.seen(/(Ctrl-C ends it)/);
  assert.equal((await fetch(`${url}/info/refs?service=git-upload-pack`)).status, 200);
  bed.child.kill('SIGINT');
  assert.deepEqual(await bed.exited, [0, null]);
  await assertNoSurvivors(dir);
  assert.ok(!existsSync(dir));
});

test('Ctrl-C while control planes are starting leaves no process and no file either', async () => {
  const bed = runBed('--clusters', '1');
  const dir = await bed.seen(/starting in (\S+)/);
  while (!existsSync(join(dir, 'clusters', 'cluster-1', 'kube-apiserver.log'))) {
    await delay(10);
  }
  bed.child.kill('SIGINT');
  assert.deepEqual(await bed.exited, [0, null]);
  await assertNoSurvivors(dir);
  assert.ok(!existsSync(dir));
});

test('a wrong option is told with the usage and code 64', async () => {
  const bed = runBed('--clusters', 'many');
  assert.deepEqual(await bed.exited, [64, null]);
  assert.match(bed.output(), /--clusters wants a number from 0 to 20, not "many"[\s\S]*usage:/);
});
