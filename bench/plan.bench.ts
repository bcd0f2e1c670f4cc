import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOwned } from '#tools/owned.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { SyntheticFleet } from './synthetic-fleet.ts';

/**
 * `flotilla plan` as a person runs it, start of the program included, on 10,000 clusters × 20 placements: on a repository that was
 * never looked at, and with what an earlier run remembered; for a commit of one cluster, of one shared base, and of a base that every
 * cluster's own directory reads.
 */
const CLUSTERS = 10_000;
const ROUNDS = 3;
const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

const benchmark: Benchmark = async (say, signal) => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-bench-plan-'));
  try {
    say(`making a fleet repo of ${CLUSTERS} clusters`);
    const fleet = await SyntheticFleet.create(join(home, 'fleet.git'), { clusters: CLUSTERS });
    await fleet.commit([fleet.cluster(77, 1)], 'One cluster');
    await fleet.commit([fleet.base(1, 1)], 'A shared base');
    await fleet.commit([fleet.base(0, 1)], 'The base of directories by name');
    const plan = async (range: string) => {
      const started = performance.now();
      const argv = [MAIN, 'plan', range, '-C', fleet.path, '-o', 'json'];
      const { code, stdout, stderr } = await runOwned(process.execPath, argv, { limit: 64_000_000 }, signal);
      const seconds = (performance.now() - started) / 1_000;
      if (code !== 0) throw new Error(`flotilla plan ${range} ended with ${code}: ${stderr}`);
      const { placements } = JSON.parse(stdout) as { placements: { changed: unknown[] }[] };
      return { seconds, changed: placements.reduce((sum, { changed }) => sum + changed.length, 0) };
    };
    const rows: Row[] = [];
    const row = (key: string, what: string, value: number) => rows.push({ key, what, value, unit: 's' });
    const CASES = [
      ['cluster', 'one cluster', 'HEAD~3..HEAD~2', 10],
      ['base', 'one shared base', 'HEAD~2..HEAD~1', CLUSTERS],
      ['named', 'the base of directories by name', 'HEAD~1..HEAD', CLUSTERS],
    ] as const;
    say('nothing remembered');
    for (const [key, what, range, expected] of CASES) {
      await rm(join(fleet.path, 'flotilla'), { recursive: true, force: true });
      const { seconds, changed } = await plan(range);
      if (changed !== expected) throw new Error(`${what}: ${changed} assignments change, not ${expected}`);
      row(key === 'base' ? 'plan_cold_s' : `plan_cold_${key}_s`, `cold, ${what}`, seconds);
    }
    say('with what an earlier run remembered');
    for (const [key, what, range] of CASES) {
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++) times.push((await plan(range)).seconds);
      const median = times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
      row(key === 'base' ? 'plan_warm_s' : `plan_warm_${key}_s`, `warm, ${what}`, median);
    }
    return rows;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
};

export default benchmark;
