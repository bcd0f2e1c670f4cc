import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { GIVEN } from '#test/bed/planted.ts';
import { randomFrom } from '#test/bed/random.ts';
import { Lab } from '#test/integration/engine-lab.ts';
import { spawnOwned } from '#tools/owned.ts';
import {
  converge,
  foreign,
  revisions,
  stateOf,
  uidOf,
  untilNamed,
  withForeignObjects,
} from './crash-laws.ts';
import { realServer } from './servers.ts';

/** How many processes are killed with -9, each somewhere between its first request and its end; `npm test -- --kills N`. */
const KILLS = Number(process.env.FLOTILLA_APPLY_KILLS ?? 6);
const PROGRAM = join(import.meta.dirname, 'engine-process.ts');
const { plane, server } = realServer('kill');

/** Kills it so many ms after its start; undefined lets it run. Returns how long it ran after that, and whether it converged. */
async function run(revisionFile: string, killAfter?: number): Promise<{ ms: number; converged: boolean }> {
  const args = ['--disable-warning=ExperimentalWarning', PROGRAM, plane().kubeconfigPath, revisionFile];
  const owned = spawnOwned(process.execPath, args, { stdout: 'pipe', stderr: 'inherit', env: process.env });
  let started = 0;
  let converged = false;
  for await (const line of createInterface(owned.child.stdout!)) {
    if (line === 'converged') converged = true;
    if (line !== 'started') continue;
    started = performance.now();
    if (killAfter !== undefined) void delay(killAfter).then(() => owned.kill9());
  }
  await owned.ended;
  return { ms: performance.now() - started, converged };
}

test(`killed ${KILLS} times at random, the next process ends where an uninterrupted one does and nothing foreign is gone`, async (t) => {
  const ns = 'killed';
  const steps = ['first', 'second'] as const;
  const expected: Record<string, unknown> = {};
  const files: Record<string, string> = {};
  const given = join(plane().dir, GIVEN);
  mkdirSync(given);
  {
    await using lab = new Lab(server());
    for (const step of steps) {
      await converge(lab, revisions('model')[step]);
      if (step === 'first') await withForeignObjects(lab, 'model');
      await untilNamed(lab, revisions('model')[step]);
      expected[step] = await stateOf(lab, 'model');
      files[step] = join(given, `${step}.json`);
      writeFileSync(files[step], JSON.stringify(revisions(ns)[step]));
    }
    // Going back leaves the same state as coming for the first time, but for what the Deployment controller remembers.
    await converge(lab, revisions(ns).first);
    await withForeignObjects(lab, ns);
  }
  const { ms: whole } = await run(files.second!);
  await using lab = new Lab(server());
  await lab.engine.inventories(new AbortController().signal);
  const uids = await Promise.all([...foreign, 'moves'].map((name) => uidOf(lab, ns, name)));
  const random = randomFrom();
  let alive = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const step = steps[kill % 2]!;
    const after = random() * whole;
    const { converged } = await run(files[step]!, after);
    if (converged) alive++;
    assert.equal((await run(files[step]!)).converged, true);
    const about = `kill ${kill}, ${after.toFixed(1)} ms after the start of the ${step} revision`;
    await untilNamed(lab, revisions(ns)[step]);
    assert.deepEqual(await stateOf(lab, ns), expected[step], about);
    assert.deepEqual(
      await Promise.all([...foreign, 'moves'].map((name) => uidOf(lab, ns, name))),
      uids,
      about,
    );
  }
  t.diagnostic(
    `an uninterrupted run takes ${whole.toFixed(0)} ms; ${KILLS - alive} of ${KILLS} died on the way`,
  );
});
