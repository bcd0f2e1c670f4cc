import { advance } from '#rollouts/advance.ts';
import type { ClusterFacts, PlacementFacts, Report, Version } from '#rollouts/facts.ts';
import { rehearse } from '#rollouts/rehearsal/rehearse.ts';
import type { Snapshot } from '#rollouts/rehearsal/world.ts';
import { settled } from '#rollouts/settled.ts';
import { type Benchmark, quantile } from './benchmark.ts';
import { clusterName, ringOf, STANDARD } from './rings.ts';

/** What the stage machine costs: 10,000 clusters, 20 placements, 4 stages, in one process and without a bus. */
const CLUSTERS = 10_000;
const PLACEMENTS = 20;
const START = Date.UTC(2026, 10, 23);

const clusters: ClusterFacts[] = Array.from({ length: CLUSTERS }, (_, i) => ({
  name: clusterName(i),
  labels: { ring: ringOf(i, CLUSTERS) },
}));

function snapshot(revisions: readonly string[]): Snapshot {
  const placements = new Map<string, PlacementFacts>();
  for (let index = 0; index < PLACEMENTS; index++) {
    const versions = revisions.map((revision, at): Version => {
      const content = { digest: `${revision}/${index}`, entryRevision: revision };
      return { revision, at, contents: new Map(clusters.map(({ name }) => [name, content])), authors: [] };
    });
    placements.set(`p${index}`, { strategy: STANDARD, versions, dependsOn: [], blocked: new Map() });
  }
  return { clusters, placements };
}

const rollout: Benchmark = async (say) => {
  const [before, change] = [snapshot(['r1']), snapshot(['r1', 'r2'])];
  const quiet = { unreachable: new Set<string>(), counting: true, answers: new Map() };
  const first = settled({ ...before, ...quiet, reports: new Map() }, START);
  const reports = new Map<string, Map<string, Report>>();
  for (const [placement, { targets }] of Object.entries(first.lines)) {
    const of = Object.entries(targets).map(([cluster, { run }]): [string, Report] => [
      cluster,
      { attempt: run!.attempt, digest: run!.digest!, phase: 'current' },
    ]);
    reports.set(placement, new Map(of));
  }

  say('one step after a commit that touches everything');
  const facts = { ...change, ...quiet, reports };
  let began = performance.now();
  let { state } = advance(first, facts, START);
  const commit = performance.now() - began;

  say('one step after each report');
  const times: number[] = [];
  const line = state.lines.p0!;
  const started = Object.entries(line.targets).filter(([, { run }]) => run?.phase === 'published');
  const only = new Set(['p0']);
  for (let i = 0; i < 200; i++) {
    const [cluster] = started[i % started.length]!;
    const { run } = state.lines.p0!.targets[cluster]!;
    // Each report changes what is saved.
    const phase = run!.phase === 'started' && !run!.verifying ? 'verifying' : 'applying';
    reports.get('p0')!.set(cluster, { attempt: run!.attempt, digest: run!.digest!, phase });
    began = performance.now();
    state = advance(state, facts, START + i * 100, only).state;
    times.push(performance.now() - began);
  }

  say('a whole rehearsal');
  began = performance.now();
  const { placements } = rehearse({
    before,
    change,
    acts: [],
    rules: [],
    places: new Map(),
    start: START,
    untilMs: 24 * 3_600_000,
    seed: 1,
  });
  const rehearsal = performance.now() - began;
  const wrong = Object.values(placements).find(({ outcome }) => outcome !== 'Succeeded');
  if (wrong) throw new Error(`a rehearsal ended ${wrong.outcome}: ${wrong.waiting.join('; ')}`);
  const memory = process.memoryUsage().rss / 2 ** 20;
  const bytes = JSON.stringify(state.lines.p0).length / 2 ** 20;
  return [
    { key: 'reportP50', what: 'advance after one report, p50', value: quantile(times, 0.5), unit: 'ms' },
    { key: 'reportP99', what: 'advance after one report, p99', value: quantile(times, 0.99), unit: 'ms' },
    { key: 'commitAll', what: 'advance after a commit that touches all', value: commit, unit: 'ms' },
    { key: 'rehearsal', what: 'whole rehearsal', value: rehearsal / 1_000, unit: 's' },
    { key: 'rss', what: 'memory of the process at the end', value: memory, unit: 'MiB' },
    { key: 'lineBytes', what: 'state of one line as JSON', value: bytes, unit: 'MiB' },
  ];
};

export default rollout;
