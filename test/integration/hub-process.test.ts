import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type OwnedProcess, runOwned, spawnOwned } from '#tools/owned.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { freePort } from '../bed/ports.ts';
import { makeScratch } from '../bed/scratch.ts';
import { type Rig, startRig } from './hub-rig.ts';

/** The hub as a process: its commands and its end. */
const HUB = join(import.meta.dirname, '../../hub/main.ts');
const signal = new AbortController().signal;

const hub = (...args: string[]) => runOwned(process.execPath, [HUB, ...args], {}, signal);

test('init prints one public key, writes the configuration of nats-server, and repeats itself', async () => {
  await using scratch = await makeScratch('hub-init');
  const args = ['init', '--data', scratch.dir, '--nats-port', '4333'];
  const first = await hub(...args);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^N[A-Z2-7]{55}\n$/);
  const config = readFileSync(join(scratch.dir, 'nats-server.conf'), 'utf8');
  assert.match(config, /^listen: "127\.0\.0\.1:4333"$/m);
  const second = await hub(...args);
  assert.equal(second.stdout, first.stdout);
  assert.equal(readFileSync(join(scratch.dir, 'nats-server.conf'), 'utf8'), config);
});

test('what is wrong on the command line ends the hub at once, with words on stderr and a code', async () => {
  for (const [args, code, says] of [
    [['--help'], 0, /^$/],
    [['fly'], 64, /unknown command fly/],
    [['run'], 78, /FLOTILLA_GIT \(--git\) is missing/],
    [['--git', 'http://127.0.0.1:1/x.git', '--data', '/nonexistent'], 78, /run `init`/],
  ] as const) {
    const ended = await hub(...args);
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, says);
  }
});

type Process = { process: OwnedProcess; url: string; output: () => string };

async function run(rig: Rig): Promise<Process> {
  const port = await freePort();
  const process_ = spawnOwned(
    process.execPath,
    [
      HUB,
      ...['--git', rig.git.repositoryUrl('fleet'), '--nats', rig.nats.url, '--data', join(rig.dir, 'hub')],
      ...['--listen', `127.0.0.1:${port}`, '--poll', '50ms', '--lease', '2s'],
    ],
    { stdout: 'pipe', stderr: 'pipe' },
  );
  let output = '';
  for (const stream of [process_.child.stdout, process_.child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return { process: process_, url: `http://127.0.0.1:${port}`, output: () => output };
}

const ready = ({ url, output }: Process) =>
  eventually(
    'the hub to be ready',
    async (limit) => ((await fetch(`${url}/readyz`, { signal: limit })).ok ? true : undefined),
    PATIENCE_MS,
    signal,
    output,
  );

test('a running hub answers committed keys only, and ends cleanly when asked', async () => {
  await using rig = await startRig('hub-run');
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    const running = await run(rig);
    await ready(running);
    const known = await fetch(`${running.url}/v1/agents/${rig.keys.east.publicKey}`);
    assert.deepEqual([known.status, ((await known.json()) as { cluster: string }).cluster], [200, 'east']);
    assert.equal((await fetch(`${running.url}/v1/agents/${rig.trust.hub.publicKey}`)).status, 404);
    running.process.child.kill(name);
    assert.deepEqual(await running.process.ended, { code: 0, signal: null }, running.output());
  }
});

test('a hub that starts before NATS and Git is not ready, says why, and becomes ready by itself', async () => {
  await using rig = await startRig('hub-alone');
  await rig.nats.stop();
  await rig.git.stop();
  const running = await run(rig);
  const reasons = await eventually(
    'both reasons',
    async (limit) => {
      const answer = await fetch(`${running.url}/readyz`, { signal: limit });
      const text = await answer.text();
      return answer.status === 503 && /NATS/.test(text) && /cannot be reached|refused/.test(text)
        ? text
        : undefined;
    },
    PATIENCE_MS,
    signal,
    running.output,
  );
  assert.ok(reasons);
  await rig.nats.start();
  await rig.git.start();
  await ready(running);
  await running.process.stop();
});
