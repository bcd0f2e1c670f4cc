import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { obtainTools } from '#tools/obtain.ts';
import { ALL_TOOLS } from '#tools/pins.ts';
import { reportTo } from '#tools/report.ts';
import { plantedIn } from './bed/planted.ts';
import { repositoryRoot } from './house/sources.ts';
import { SUITES } from './suites.ts';

/**
 * `npm test`: everything that proves this repository, in one process tree, cheapest first. It stops after the first
 * step that fails. Nothing is skipped in silence: a test that cannot run here prints `CANNOT RUN: name: reason`,
 * and all of those are listed at the end; a skipped or todo test fails the run.
 */
type Suite = keyof typeof SUITES;
/** A value may be printed in two pieces. */
const TAIL = 200;
const FILE_TIMEOUT_MS = 15 * 60_000;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    seeds: { type: 'string', default: '3' },
    kills: { type: 'string', default: '6' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (options.help) {
  process.stdout.write(`npm test -- [--only static|${Object.keys(SUITES).join('|')}]… [--seeds N] [--kills N]

Runs lint, types and every suite of tests; --only picks some of them. --seeds: how many random histories each
chaos test plays (default 3). --kills: how many engines the apply suite kills (default 6). Programs that the tests need are obtained first (npm run tools).
`);
  process.exit(0);
}
const wanted = options.only ?? ['static', ...Object.keys(SUITES)];
const unknown = wanted.filter((name) => name !== 'static' && !Object.hasOwn(SUITES, name));
if (unknown.length > 0) {
  process.stderr.write(
    `npm test: no such suite: ${unknown.join(', ')}; there are static, ${Object.keys(SUITES).join(', ')}\n`,
  );
  process.exit(64);
}
process.env.FLOTILLA_CHAOS_SEEDS = options.seeds;
process.env.FLOTILLA_APPLY_KILLS = options.kills;

const totals = { passed: 0, failed: 0, skipped: 0 };
const cannotRun = new Set<string>();
/** Values of Secrets that something printed: none may be. */
const leaked = new Set<string>();
const times: string[] = [];

await timed('tools', async () => {
  if (wanted.some((name) => name !== 'static'))
    await obtainTools(ALL_TOOLS, { progress: reportTo(process.stderr) });
  return true;
});
if (wanted.includes('static')) {
  await timed('lint', async () => passes('biome', ['check', '.']));
  await timed('types', async () => passes('tsc', ['--noEmit']));
}
for (const name of Object.keys(SUITES) as Suite[]) {
  if (wanted.includes(name)) await timed(name, () => runSuite(name));
}
finish();

async function timed(name: string, step: () => Promise<boolean>): Promise<void> {
  process.stdout.write(`\n▶ ${name}\n`);
  const started = performance.now();
  const passed = await step();
  times.push(`${name} ${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (passed) return;
  process.stdout.write(`\n✖ ${name} failed\n`);
  totals.failed = Math.max(1, totals.failed);
  finish();
}

function passes(program: string, args: string[]): boolean {
  const path = join(repositoryRoot, 'node_modules/.bin', program);
  return spawnSync(path, args, { cwd: repositoryRoot, stdio: 'inherit' }).status === 0;
}

async function runSuite(name: Suite): Promise<boolean> {
  const { globs, concurrency } = SUITES[name];
  const files = globSync([...globs], { cwd: repositoryRoot })
    .sort()
    .map((file) => join(repositoryRoot, file));
  if (files.length === 0) {
    process.stdout.write(`no tests match ${globs.join(' ')}\n`);
    return false;
  }
  let failed = 0;
  const stream = run({ files, concurrency, timeout: FILE_TIMEOUT_MS });
  stream.on('test:pass', ({ skip, todo, details }) => {
    if (details.type === 'suite') return;
    if (skip || todo) {
      totals.skipped++;
      failed++;
    } else totals.passed++;
  });
  stream.on('test:fail', ({ details }) => {
    if (details.type === 'suite') return;
    totals.failed++;
    failed++;
  });
  stream.on('test:stderr', ({ message }) => {
    for (const [, text] of message.matchAll(/^CANNOT RUN: (.+)$/gm)) cannotRun.add(text!);
  });
  let tail = '';
  for await (const chunk of stream.compose(spec())) {
    process.stdout.write(chunk);
    const found = plantedIn(tail + chunk);
    if (found !== undefined) leaked.add(found);
    tail = (tail + chunk).slice(-TAIL);
  }
  for (const text of leaked) process.stdout.write(`\n✖ the value of a Secret was printed: ${text}\n`);
  return failed === 0 && leaked.size === 0;
}

function finish(): never {
  process.stdout.write(`\ntime: ${times.join(', ')}\n`);
  process.stdout.write(cannotRun.size === 0 ? 'everything could run here\n' : 'cannot run here:\n');
  for (const text of cannotRun) process.stdout.write(`  ${text}\n`);
  process.stdout.write(
    `total: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
  );
  process.exit(totals.failed + totals.skipped > 0 ? 1 : 0);
}
