import { DirectoryObjects } from '#git/local/directory.ts';
import type { Assignment } from '#proto/assignment.ts';
import { NodeCache } from '#render/closure.ts';
import { openEngine } from '#render/engine.ts';
import { renderAssignment } from '#render/render.ts';
import type { Usage } from './apply/agent.ts';
import { HANGS_S, hangIn } from './apply/hanging.ts';
import { Rig } from './apply/rig.ts';
import { base, largeFiles, unitFiles, unitNames } from './apply/units.ts';
import type { Benchmark, Row } from './benchmark.ts';

/** How many units; FLOTILLA_BENCH_UNITS makes a quick try smaller. */
const UNITS = Number(process.env.FLOTILLA_BENCH_UNITS ?? 1_000);

/** Objects of the one large assignment. */
const LARGE = 2_000;
/** Assignments of which one hangs. */
const BESIDE = 50;

/**
 * The agent on a real control plane: units as assignments of their own, first apply, a new revision, a revision that changes nothing
 * of them, a restart; one large assignment; one that hangs among fifty. The hub is scripted. What rendering alone takes is measured
 * apart, in this process.
 */
const apply: Benchmark = async (say, signal) => [
  ...(await units(say, signal)),
  ...(await large(say, signal)),
  ...(await hanging(say, signal)),
];
export default apply;

async function units(say: (text: string) => void, signal: AbortSignal): Promise<Row[]> {
  const names = unitNames(UNITS);
  say(`${UNITS} units: one real control plane, ${UNITS} namespaces …`);
  await using rig = await Rig.open(unitFiles(UNITS), names);
  await rig.startAgent();
  const first = await measured(rig, async () => rig.rollOut(await rig.lab.clone.head(), names, signal));
  say(`first apply: ${told(first)}`);
  await rig.lab.clone.write('base/all.yaml', base('200m'));
  const revision = await rig.lab.clone.commit('Change a cpu request');
  const second = await measured(rig, () => rig.rollOut(revision, names, signal));
  say(`new revision: ${told(second)}`);
  await rig.lab.clone.write('README.md', 'Nothing that runs.\n');
  const equal = await rig.lab.clone.commit('Change what nobody renders');
  const unchanged = await measured(rig, () => rig.rollOut(equal, names, signal));
  say(`equal revision: ${told(unchanged)}`);
  const seconds = await rig.restart(names, signal);
  const steady = { seconds, after: await rig.usage() };
  say(`restart: ${told(steady)}`);
  return [
    row('units1000_first_s', 'first apply → all Current', first.seconds, 's'),
    row('units1000_first_requests', 'requests of it', used(first).requests, ''),
    row('units1000_revision_s', 'new revision → all Current', second.seconds, 's'),
    row('units1000_requests', 'requests of the new revision', used(second).requests, ''),
    row(
      'units1000_render_s',
      'rendering of it alone, in another process',
      await renderSeconds(rig.lab.clone.dir, names, signal),
      's',
    ),
    row('agent_first_cpu_s', 'agent CPU of the first apply', used(first).cpuS, 's'),
    row('agent_cpu_s', 'agent CPU of the new revision', used(second).cpuS, 's'),
    row('agent_rss_mb', 'agent peak RSS, from sources', second.after.peakRssMb, 'MB'),
    row('equal_requests', 'requests of a revision that changes none of them', used(unchanged).requests, ''),
    row('equal_s', 'such a revision → all say so', unchanged.seconds, 's'),
    row('steady_requests', 'requests of a restart', used(steady).requests, ''),
    row('steady_s', 'restart → all Current', steady.seconds, 's'),
  ];
}

async function large(say: (text: string) => void, signal: AbortSignal): Promise<Row[]> {
  const name = 'large';
  say(`one assignment of ${LARGE} objects …`);
  await using rig = await Rig.open(largeFiles(name, LARGE), [name]);
  await rig.startAgent();
  const revision = await rig.lab.clone.head();
  const first = await measured(rig, () => rig.rollOut(revision, [name], signal));
  say(`first apply: ${told(first)}`);
  const seconds = await rig.restart([name], signal);
  const steady = { seconds, after: await rig.usage() };
  say(`restart: ${told(steady)}`);
  return [
    row('large2000_first_s', 'one assignment of 2,000 objects → Current', first.seconds, 's'),
    row('large2000_requests', 'requests of it', used(first).requests, ''),
    row('large2000_steady_requests', 'requests of a restart with it', used(steady).requests, ''),
    row('large2000_steady_s', 'restart → Current', steady.seconds, 's'),
  ];
}

async function hanging(say: (text: string) => void, signal: AbortSignal): Promise<Row[]> {
  const names = unitNames(BESIDE);
  const stuck = names[0]!;
  say(`${BESIDE} assignments, in the namespace of one every write waits ${HANGS_S} s for a webhook …`);
  await using rig = await Rig.open(unitFiles(BESIDE), names);
  await rig.startAgent();
  const revision = await rig.lab.clone.head();
  await using _ = await hangIn(rig.plane, stuck);
  const others = await rig.rollOut(revision, names, signal, [stuck]);
  say(`the others: ${others.toFixed(1)} s`);
  return [row('hanging_others_s', '50 assignments, one hangs: first apply of the 49', others, 's')];
}

type Measured = { seconds: number; before?: Usage; after: Usage };

async function measured(rig: Rig, work: () => Promise<number>): Promise<Measured> {
  const before = await rig.usage();
  const seconds = await work();
  return { seconds, before, after: await rig.usage() };
}

/** Seconds that closures and objects of all units take, read from disk, with nothing cached before. */
async function renderSeconds(root: string, names: readonly string[], signal: AbortSignal): Promise<number> {
  const started = performance.now();
  const objects = new DirectoryObjects(root);
  const renderer = openEngine();
  const cache = new NodeCache();
  for (const placement of names) {
    const assignment: Assignment = {
      cluster: 'one',
      placement,
      path: `apps/${placement}`,
      components: [],
      createNamespace: false,
      prune: true,
      values: {},
      apiVersions: [],
    };
    await renderAssignment({ objects, rootTree: objects.rootTree, assignment, renderer, cache }, signal);
  }
  return (performance.now() - started) / 1000;
}

const row = (key: string, what: string, value: number, unit: string): Row => ({ key, what, value, unit });

/** What was used in between; without a start: since the process began. */
function used({ before, after }: Measured): Usage {
  const kinds = Object.entries(after.kinds)
    .map(([kind, count]) => [kind, count - (before?.kinds[kind] ?? 0)] as const)
    .filter(([, count]) => count > 0);
  return {
    ...after,
    requests: after.requests - (before?.requests ?? 0),
    writes: after.writes - (before?.writes ?? 0),
    watches: after.watches - (before?.watches ?? 0),
    cpuS: after.cpuS - (before?.cpuS ?? 0),
    kinds: Object.fromEntries(kinds.toSorted(([, a], [, b]) => b - a)),
  };
}

function told(what: Measured): string {
  const { requests, writes, watches, cpuS, rssMb, kinds } = used(what);
  const byKind = Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`);
  return `${what.seconds.toFixed(1)} s (${requests} requests, ${writes} writes, ${watches} watches, CPU ${cpuS.toFixed(1)} s, RSS ${rssMb.toFixed(0)} MB; ${byKind.join(', ')})`;
}
