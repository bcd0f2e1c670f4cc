import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type GitServer, startGitServer } from '#test/bed/git-server.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { type Benchmark, quantile } from './benchmark.ts';
import { type Phases, phasesText } from './phases.ts';
import { SyntheticFleet } from './synthetic-fleet.ts';

const SIZES = [1_000, 3_000, 10_000] as const;
/** What a hub sets for itself, and what docs/running.md tells to start one of many clusters with. */
const HUB_FLAGS = ['--max-semi-space-size=4', '--optimize-for-size'];
const ONE_COMMITS = 21;
const BASE_COMMITS = 7;

type Snapshot = {
  head: string;
  ms: number;
  /** Of the hub's process, all threads. */
  cpuMs: number;
  viewMs: number;
  assignments: number;
  problems: string[];
  rss: number;
  phases?: Phases;
};
type Measured = {
  coldMs: number;
  warmMs: number;
  oneMs: number;
  baseMs: number;
  viewMs: number;
  rss: number;
};

/**
 * The hub's index over a Git server: from nothing, from its cache, and after commits. Times are from the moment that the branch is
 * looked at until the snapshot is handed out, so fetching is in them; the start of Node and the loading of the sources are not.
 */
const index: Benchmark = async (say, signal) => {
  await using scratch = await makeScratch('bench-index');
  await using git = await startGitServer({ dir: scratch.dir });
  const measured = new Map<number, Measured>();
  for (const clusters of SIZES) {
    signal.throwIfAborted();
    measured.set(clusters, await measure(scratch.dir, git, clusters, say));
  }
  const [small, , large] = SIZES.map((clusters) => measured.get(clusters)!) as [Measured, Measured, Measured];
  const thousands = (SIZES[2] - SIZES[0]) / 1_000;
  return [
    {
      key: 'cold_s',
      what: 'from nothing: clone, read, resolve, digest',
      value: large.coldMs / 1_000,
      unit: 's',
    },
    { key: 'warm_s', what: 'from the cache on disk', value: large.warmMs / 1_000, unit: 's' },
    {
      key: 'commit_one_ms',
      what: `a commit that changes one cluster, median of ${ONE_COMMITS}`,
      value: large.oneMs,
      unit: 'ms',
    },
    {
      key: 'commit_base_ms',
      what: `a commit that changes a base of 10,000 overlays, median of ${BASE_COMMITS}`,
      value: large.baseMs,
      unit: 'ms',
    },
    {
      key: 'rss_mb',
      what: `memory at the end, with the read model (${HUB_FLAGS.join(' ')})`,
      value: large.rss / 1e6,
      unit: 'MB',
    },
    {
      key: 'slope',
      what: 'one-cluster commit: more for every 1,000 clusters (1,000 to 10,000)',
      value: (large.oneMs - small.oneMs) / thousands,
      unit: 'ms',
    },
  ];
};
export default index;

async function measure(
  dir: string,
  git: GitServer,
  clusters: number,
  say: (text: string) => void,
): Promise<Measured> {
  const name = `fleet-${clusters}`;
  const fleet = await SyntheticFleet.create(join(dir, `${name}.git`), { clusters });
  say(
    `${clusters} clusters × ${fleet.size.placements} placements, ${fleet.overlays} overlays of different content`,
  );
  const url = git.repositoryUrl(name);
  const directory = join(dir, `${name}-hub`);

  const first = new IndexProcess(url, directory);
  const cold = await first.next();
  check(cold, clusters * fleet.size.placements);
  say(`  cold ${seconds(cold)}, ${memory(cold.rss)}`);
  await first.end();

  const hub = new IndexProcess(url, directory);
  const warm = await hub.next();
  check(warm, cold.assignments);
  if (warm.head !== cold.head) throw new Error('the restarted hub is at another revision');
  say(`  from the cache ${seconds(warm)}, ${memory(warm.rss)}`);

  const commit = async (files: Parameters<SyntheticFleet['commit']>[0], message: string) => {
    const oid = await fleet.commit(files, message);
    const snapshot = await hub.look();
    check(snapshot, cold.assignments);
    if (snapshot.head !== oid) throw new Error(`the hub is at ${snapshot.head}, not at ${oid}`);
    return snapshot;
  };
  const ones: Snapshot[] = [];
  for (let i = 0; i < ONE_COMMITS; i++) ones.push(await commit([fleet.cluster(7 * i, 1)], `One ${i}`));
  const bases: Snapshot[] = [];
  for (let i = 0; i < BASE_COMMITS; i++) bases.push(await commit([fleet.base(0, i + 1)], `Base ${i}`));
  const median = (of: readonly Snapshot[]) =>
    quantile(
      of.map(({ ms }) => ms),
      0.5,
    );
  const viewMs = quantile(
    ones.map((one) => one.viewMs),
    0.5,
  );
  const rss = hub.rss();
  const cpu = (of: readonly Snapshot[]) => {
    const ms = quantile(
      of.map(({ cpuMs }) => cpuMs),
      0.5,
    );
    return `${ms.toFixed(0)} ms of CPU`;
  };
  say(
    `  one cluster ${median(ones).toFixed(0)} ms (${cpu(ones)}), then ${viewMs.toFixed(0)} ms in the read model`,
  );
  say(`  one base ${median(bases).toFixed(0)} ms (${cpu(bases)}), ${memory(rss)}`);
  await hub.end();
  if (clusters === SIZES.at(-1)) await tellPhases(url, join(dir, `${name}-profiled`), fleet, say);
  return { coldMs: cold.ms, warmMs: warm.ms, oneMs: median(ones), baseMs: median(bases), viewMs, rss };
}

/** Where the time goes, in CPU milliseconds of the main thread, in processes of their own because looking costs some. */
async function tellPhases(
  url: string,
  directory: string,
  fleet: SyntheticFleet,
  say: (text: string) => void,
): Promise<void> {
  const told = (what: string, { phases = {} }: Snapshot) =>
    say(`  ${what}: ${phasesText(phases)} (ms of CPU)`);
  const first = new IndexProcess(url, directory, 'profile');
  told('cold', await first.next());
  await first.end();
  const second = new IndexProcess(url, directory, 'profile');
  told('from the cache', await second.next());
  for (const [what, file] of [
    ['one cluster', fleet.cluster(1, 2)],
    ['one base', fleet.base(0, BASE_COMMITS + 1)],
  ] as const) {
    await fleet.commit([file], `Profiled ${what}`);
    told(what, await second.look());
  }
  await second.end();
}

function check({ assignments, problems }: Snapshot, expected: number): void {
  if (assignments !== expected) throw new Error(`${assignments} assignments, not ${expected}`);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** On a machine that is busy with other things, the CPU time says more. */
const seconds = ({ ms, cpuMs }: Snapshot) =>
  `${(ms / 1_000).toFixed(2)} s (${(cpuMs / 1_000).toFixed(2)} s of CPU)`;
const memory = (rss: number) => `${(rss / 1e6).toFixed(0)} MB`;

/** One hub's index; each look at the branch is answered by a snapshot. */
class IndexProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(url: string, directory: string, ...words: readonly 'profile'[]) {
    const program = join(import.meta.dirname, 'index-process.ts');
    this.#child = spawn(process.execPath, [...HUB_FLAGS, program, url, directory, ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async next(): Promise<Snapshot> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the index process ended');
    return JSON.parse(value) as Snapshot;
  }

  look(): Promise<Snapshot> {
    this.#child.stdin.write('\n');
    return this.next();
  }

  /** Resident memory now, bytes. */
  rss(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}
