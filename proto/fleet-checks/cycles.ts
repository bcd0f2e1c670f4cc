import type { Context } from './context.ts';
import { type Finding, party } from './finding.ts';

/** Placements that wait for each other. Every circle is told once for each member; where some changed, for those only. */
export function* checkCycles(context: Context): Iterable<Finding> {
  const { placements, changed } = context;
  const next = new Map<string, readonly string[]>();
  for (const [name, { document }] of placements)
    next.set(
      name,
      (document.spec.dependsOn ?? []).filter((one) => placements.has(one)),
    );
  for (const name of onCircles(next)) {
    const cycle = shortestCircle(name, next);
    if (!cycle) continue;
    const members = cycle.slice(0, -1);
    if (!changed('Placement', name) && members.some((member) => changed('Placement', member))) continue;
    const placement = placements.get(name)!;
    const index = placement.document.spec.dependsOn!.indexOf(cycle[1]!);
    yield {
      code: 'dependency-cycle',
      severity: 'error',
      message: `dependsOn is a circle: ${cycle.join('→')}`,
      parties: [party('Placement', placement, ['spec', 'dependsOn', index])],
    };
  }
}

/** What is left when everything that waits for nothing is taken away again and again: circles, and what waits for them. */
function onCircles(next: ReadonlyMap<string, readonly string[]>): string[] {
  const waits = new Map([...next].map(([name, those]) => [name, new Set(those).size]));
  const behind = new Map<string, string[]>();
  for (const [name, those] of next)
    for (const one of new Set(those)) behind.set(one, [...(behind.get(one) ?? []), name]);
  const free = [...waits].filter(([, count]) => count === 0).map(([name]) => name);
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    for (const one of behind.get(name) ?? []) {
      const left = waits.get(one)! - 1;
      waits.set(one, left);
      if (left === 0) free.push(one);
    }
  }
  return [...waits].filter(([, count]) => count > 0).map(([name]) => name);
}

/** The shortest way from a name back to itself, both ends included. */
function shortestCircle(start: string, next: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const from = new Map<string, string>();
  const queue = [start];
  for (const name of queue) {
    for (const one of next.get(name) ?? []) {
      if (one === start) {
        const way = [start];
        for (let step = name; step !== start; step = from.get(step)!) way.unshift(step);
        return [start, ...way];
      }
      if (from.has(one)) continue;
      from.set(one, name);
      queue.push(one);
    }
  }
  return undefined;
}
