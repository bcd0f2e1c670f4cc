import { DirectoryObjects } from '#agent/once/directory.ts';
import type { Assignment } from '#proto/assignment.ts';
import { NodeCache } from '#render/closure.ts';
import { openEngine } from '#render/engine.ts';
import { renderAssignment } from '#render/render.ts';
import type { Usage } from './apply/agent.ts';
import { Rig } from './apply/rig.ts';
import { base, unitFiles, unitNames } from './apply/units.ts';
import type { Benchmark, Row } from './benchmark.ts';

/** How many units; FLOTILLA_BENCH_UNITS makes a quick try smaller. */
const UNITS = Number(process.env.FLOTILLA_BENCH_UNITS ?? 1_000);

/**
 * The agent on a real control plane: units as assignments of their own, first apply, a new revision, a restart; one large
 * assignment; one that hangs among fifty. The hub is scripted. What rendering alone takes is measured apart, in
 * this process.
 */
const apply: Benchmark = async (say, signal) => [...(await units(say, signal))];
export default apply;

async function units(say: (text: string) => void, signal: AbortSignal): Promise<Row[]> {
  const names = unitNames(UNITS);
  say(`${UNITS} units: one real control plane, ${UNITS} namespaces …`);
  await using rig = await Rig.open(unitFiles(UNITS), names);
  await rig.startAgent();
  const before = await rig.usage();
  const firstRevision = await rig.lab.clone.head();
  const first = await rig.rollOut(firstRevision, names, signal);
  const afterFirst = await rig.usage();
  say(`first apply: ${first.toFixed(1)} s ${told(before, afterFirst)}`);
  await rig.lab.clone.write('base/all.yaml', base('200m'));
  const revision = await rig.lab.clone.commit('Change a cpu request');
  const settled = await rig.usage();
  const second = await rig.rollOut(revision, names, signal);
  const afterSecond = await rig.usage();
  say(`new revision: ${second.toFixed(1)} s ${told(settled, afterSecond)}`);
  return [
    row('units1000_first_s', 'first apply → all Current', first, 's'),
    row('units1000_revision_s', 'new revision → all Current', second, 's'),
    row('units1000_requests', 'requests of the new revision', afterSecond.requests - settled.requests, ''),
    row(
      'units1000_render_s',
      'rendering of it alone, in another process',
      await renderSeconds(rig.lab.clone.dir, names, signal),
      's',
    ),
    row('agent_cpu_s', 'agent CPU of the new revision', afterSecond.cpuS - settled.cpuS, 's'),
    row('agent_rss_mb', 'agent peak RSS, from sources', afterSecond.peakRssMb, 'MB'),
  ];
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

function told(before: Usage, after: Usage): string {
  const { requests, writes, watches, cpuS } = after;
  return `(${requests - before.requests} requests, ${writes - before.writes} writes, ${watches - before.watches} watches, CPU ${(cpuS - before.cpuS).toFixed(1)} s, RSS ${after.rssMb.toFixed(0)} MB; ${byKind(before, after)})`;
}

const byKind = (before: Usage, after: Usage): string =>
  Object.entries(after.kinds)
    .map(([kind, count]) => [kind, count - (before.kinds[kind] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
