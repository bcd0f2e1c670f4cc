import { canonicalJson } from '#proto/canonical.ts';
import { EMPTY_FLEET, EMPTY_LINE, type FleetState, type Line, type Target } from '#rollouts/state.ts';
import { changedTargets } from '#rollouts/target-table.ts';
import { clusterEntry, fleetEntry, lineEntry } from './state-entries.ts';
import { firstVersionOf } from './state-first-version.ts';
import type { ClusterState, HubState, PlacementRemovals } from './types.ts';

/**
 * How hub state is stored: `cluster.<name>` has its document's state and all its targets, `line.<placement>` its stages, and `fleet`
 * what belongs to none, so that what changes together for a cluster is saved by one write and no entry grows with the fleet. A
 * contract, version 2 (`state-entries.ts`); version 1 is read.
 */

const NO_DOCUMENT: ClusterState = { epoch: 0, issuedAt: 0, headHash: '', head: '', contentHash: '' };

/** The keys of everything that is stored of a state, clusters first: no attempt is in a line's entry before its targets are saved. */
export function keysOf(state: HubState): string[] {
  const { fleet, removals, clusters } = state;
  const named = new Set([...Object.keys(clusters), ...Object.keys(fleet.silent)]);
  for (const { targets, rejected } of Object.values(fleet.lines))
    for (const record of [targets, rejected]) for (const cluster in record) named.add(cluster);
  for (const { released, left } of Object.values(removals))
    for (const record of [released, left]) for (const cluster in record) named.add(cluster);
  return [
    ...[...named].sort().map((name) => `cluster.${name}`),
    ...Object.keys(fleet.lines)
      .sort()
      .map((name) => `line.${name}`),
    'fleet',
  ];
}

/** The keys of what differs between two states; unchanged parts are known by being the same objects. Clusters first, as in `keysOf`. */
export function keysBetween(before: HubState, after: HubState): string[] {
  const [was, is] = [before.fleet, after.fleet];
  const clusters = new Set<string>();
  const lines = new Set<string>();
  const compare = <T>(old: ByName<T> = {}, now: ByName<T> = {}, found = clusters) => {
    if (old === now) return;
    for (const name in now) if (old[name] !== now[name]) found.add(name);
    for (const name in old) if (!(name in now)) found.add(name);
  };
  compare(before.clusters, after.clusters);
  compare(was.silent, is.silent);
  compare(was.lines, is.lines, lines);
  for (const name of lines) {
    for (const cluster of changedTargets(was.lines[name]?.targets, is.lines[name]?.targets))
      clusters.add(cluster);
    compare(was.lines[name]?.rejected, is.lines[name]?.rejected);
  }
  const removals = new Set<string>();
  compare(before.removals, after.removals, removals);
  for (const name of removals) {
    lines.add(name);
    for (const part of ['released', 'left'] as const)
      compare(before.removals[name]?.[part], after.removals[name]?.[part]);
  }
  return [
    ...[...clusters].map((name) => `cluster.${name}`),
    ...[...lines].map((name) => `line.${name}`),
    'fleet',
  ];
}

type ByName<T> = Readonly<Record<string, T>>;

/** JSON text of one entry; undefined where there is nothing to store. Equal states give equal texts. */
export function encodeEntry(state: HubState, key: string): string | undefined {
  const [kind, name = ''] = key.split('.');
  if (kind === 'line') return encodeLine(state, name);
  if (kind === 'cluster') return encodeCluster(state, name);
  const { clock, freezes, holds, recovered } = state.fleet;
  return canonicalJson({ v: 2, clock, freezes, holds, recovered });
}

/** Key → JSON text of everything. */
export function encodeState(state: HubState): Map<string, string> {
  return new Map(
    keysOf(state).flatMap((key) => {
      const text = encodeEntry(state, key);
      return text === undefined ? [] : [[key, text] as const];
    }),
  );
}

function encodeLine({ fleet, removals }: HubState, name: string): string | undefined {
  const line = fleet.lines[name];
  if (!line) return undefined;
  const { targets: _targets, rejected: _rejected, ...own } = line;
  return canonicalJson({ v: 2, ...own, held: removals[name]?.held });
}

function encodeCluster({ fleet, removals, clusters }: HubState, name: string): string | undefined {
  const targets: Record<string, Target> = {};
  const rejected: Record<string, readonly string[]> = {};
  for (const [placement, line] of Object.entries(fleet.lines)) {
    const [target, digests] = [line.targets[name], line.rejected[name]];
    if (target) targets[placement] = target;
    if (digests) rejected[placement] = digests;
  }
  const released: Record<string, number> = {};
  const left: Record<string, number> = {};
  for (const [placement, one] of Object.entries(removals)) {
    const [freed, gone] = [one.released?.[name], one.left?.[name]];
    if (freed !== undefined) released[placement] = freed;
    if (gone !== undefined) left[placement] = gone;
  }
  const own = clusters[name];
  const silent = fleet.silent[name];
  const parts = { targets, rejected, released, left };
  const filled = Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0);
  if (!own && !silent && filled.length === 0) return undefined;
  return canonicalJson({ v: 2, ...(own ?? NO_DOCUMENT), silent, ...Object.fromEntries(filled) });
}

/**
 * Reads what `encodeEntry` wrote. An entry that cannot be read is left out and named in `unreadable`, also of the state: without that
 * of a cluster the hub waits for the agent's hello, without another one for a person (`advance`).
 */
export function decodeState(entries: ReadonlyMap<string, string>): Decoded {
  return stateOf(new Map([...entries].map(([key, text]) => [key, readEntry(key, text)])));
}

export type Decoded = { readonly state: HubState; readonly unreadable: readonly string[] };

/** The state that entries tell together; what of them is the same object as before is so in the state. */
export function stateOf(entries: ReadonlyMap<string, StateEntry | undefined>): Decoded {
  const unreadable: string[] = [];
  const reading = new Reading();
  for (const [key, entry] of entries) {
    if (entry) reading.take(entry);
    else unreadable.push(key);
  }
  const state = reading.done();
  if (unreadable.length === 0) return { state, unreadable };
  const { fleet } = state;
  const clock = unreadable.includes('fleet') ? { ...fleet.clock, hub: latest(fleet) } : fleet.clock;
  return { state: { ...state, fleet: { ...fleet, clock }, unreadable }, unreadable };
}

/** The latest hub time that anything names: with less, what counts from there would not come to an end for as long. */
function latest({ lines, silent }: FleetState): number {
  let hub = 0;
  for (const one of Object.values(silent)) hub = Math.max(hub, one.hub);
  for (const { stages, targets } of Object.values(lines)) {
    for (const { work } of stages) hub = Math.max(hub, work?.sinceHub ?? 0);
    for (const { run } of Object.values(targets))
      hub = Math.max(hub, run?.publishedHub ?? 0, run?.currentHub ?? 0, run?.failingHub ?? 0);
  }
  return hub;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What one entry says. `isOld`: as an earlier version has written it. */
export type StateEntry = { readonly name: string; readonly isOld: boolean } & (
  | { readonly kind: 'line'; readonly line: Line; readonly held: PlacementRemovals['held'] }
  | { readonly kind: 'fleet'; readonly fleet: OfFleet }
  | {
      readonly kind: 'cluster';
      /** Undefined where only its targets are known. */
      readonly own: ClusterState | undefined;
      readonly silent: FleetState['silent'][string] | undefined;
      readonly targets: ByName<Target>;
      readonly rejected: ByName<readonly string[]>;
      readonly released: ByName<number>;
      readonly left: ByName<number>;
    }
);
type OfFleet = Pick<FleetState, 'clock' | 'freezes' | 'holds' | 'recovered'>;

/** Undefined where it cannot be read. */
export function readEntry(key: string, text: string): StateEntry | undefined {
  const [kind, name = ''] = key.split('.');
  const stored = parsed(text);
  const json = firstVersionOf(kind, stored);
  const isOld = json !== stored;
  switch (kind) {
    case 'line': {
      const line = lineEntry.safeParse(json).data;
      if (!line) return undefined;
      const { v: _, held, ...own } = line;
      return { kind, name, isOld, held, line: { ...own, targets: {}, rejected: {} } as Line };
    }
    case 'fleet': {
      const fleet = fleetEntry.safeParse(json).data;
      if (!fleet) return undefined;
      const { v: _, ...own } = fleet;
      return { kind, name, isOld, fleet: own as OfFleet };
    }
    case 'cluster': {
      const entry = clusterEntry.safeParse(json).data;
      if (!entry) return undefined;
      const { v: _, targets = {}, rejected = {}, released = {}, left = {}, silent, ...own } = entry;
      return {
        kind,
        name,
        isOld,
        own: own.contentHash === '' ? undefined : (own as ClusterState),
        silent,
        targets: targets as ByName<Target>,
        rejected,
        released,
        left,
      };
    }
    default:
      return undefined;
  }
}

/** State while its entries are put together, in any order. */
class Reading {
  readonly #clusters: Record<string, ClusterState> = {};
  readonly #lines: Record<string, Writable<Line>> = {};
  readonly #removals: Record<string, Writable<PlacementRemovals>> = {};
  readonly #silent: Record<string, FleetState['silent'][string]> = {};
  readonly #targets: [placement: string, cluster: string, target: Target][] = [];
  readonly #rejected: [placement: string, cluster: string, digests: readonly string[]][] = [];
  #fleet: OfFleet = EMPTY_FLEET;

  take(entry: StateEntry): void {
    const { kind, name } = entry;
    if (kind === 'line') {
      this.#lines[name] = { ...entry.line, rejected: {} };
      if (entry.held) this.#removalsOf(name).held = entry.held;
      return;
    }
    if (kind === 'fleet') {
      this.#fleet = entry.fleet;
      return;
    }
    const { own, silent, targets, rejected, released, left } = entry;
    if (own) this.#clusters[name] = own;
    if (silent) this.#silent[name] = silent;
    for (const [placement, target] of Object.entries(targets)) this.#targets.push([placement, name, target]);
    for (const [placement, digests] of Object.entries(rejected))
      this.#rejected.push([placement, name, digests]);
    for (const [part, of] of [
      ['released', released],
      ['left', left],
    ] as const)
      for (const [placement, at] of Object.entries(of)) {
        const removals = this.#removalsOf(placement);
        removals[part] ??= {};
        (removals[part] as Record<string, number>)[name] = at;
      }
  }

  done(): HubState {
    const targets = new Map<string, Record<string, Target>>();
    for (const [placement, cluster, target] of this.#targets) {
      const of = targets.get(placement) ?? {};
      of[cluster] = target;
      targets.set(placement, of);
    }
    for (const [placement, of] of targets) {
      // A target without its line was saved before a crash kept the line from being saved.
      this.#lines[placement] ??= { ...EMPTY_LINE, rejected: {} };
      const line = this.#lines[placement];
      line.targets = of;
      // And one that is younger than its line: an attempt is never given twice.
      line.attempt = Math.max(line.attempt, ...maxima(of));
    }
    for (const [placement, cluster, digests] of this.#rejected) {
      const line = this.#lines[placement];
      if (line) (line.rejected as Record<string, readonly string[]>)[cluster] = digests;
    }
    // Without its line there is nothing left to be measured by.
    const removals = Object.entries(this.#removals).filter(([placement]) => this.#lines[placement]);
    return {
      fleet: { ...EMPTY_FLEET, ...this.#fleet, silent: this.#silent, lines: this.#lines },
      removals: Object.fromEntries(removals),
      clusters: this.#clusters,
    };
  }

  #removalsOf(placement: string): Writable<PlacementRemovals> {
    this.#removals[placement] ??= {};
    return this.#removals[placement];
  }
}

function maxima(targets: Readonly<Record<string, Target>>): number[] {
  let most = 0;
  for (const { run } of Object.values(targets)) most = Math.max(most, run?.attempt ?? 0);
  return [most];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // named in `unreadable`
  }
}
