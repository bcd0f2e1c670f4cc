import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Cluster, cluster as clusterSchema } from '#proto/documents/cluster.ts';
import { milliseconds } from '#proto/documents/common.ts';
import type { Sourced } from '#proto/documents/read.ts';
import { readOther } from '#proto/documents/read-other.ts';
import { LIMITS } from '#proto/limits.ts';
import { didYouMean, type Problem } from '#proto/problems.ts';
import { parseSelector } from '#proto/selector.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { Command } from '#rollouts/order.ts';
import type { Act } from '#rollouts/rehearsal/rehearse.ts';
import { HAPPENINGS, type Scenario, type ScenarioEvent, scenario } from '#rollouts/rehearsal/scenario.ts';
import type { Snapshot } from '#rollouts/rehearsal/world.ts';
import type { Whom } from '#rollouts/state.ts';
import { versionsOf } from '#rollouts/versions.ts';
import { usage } from '../../args.ts';
import type { Entries, Snapshots } from './snapshots.ts';

/** A scenario that was read, with where things stand in it. */
export type Script = {
  readonly scenario: Scenario;
  problem(path: readonly PropertyKey[], message: string): Problem;
  readonly directory: string;
};

const EMPTY: Scenario = { apiVersion: 'flotilla.dev/v1alpha1', kind: 'Scenario', spec: {} };

/** Reads a scenario; none is one in which nothing happens. @throws FlotillaError usage where the file cannot be read */
export async function readScript(file: string | undefined): Promise<Script | readonly Problem[]> {
  if (file === undefined) return { scenario: EMPTY, directory: '.', problem: unreachable };
  const read = readOther(file, await textOf(file), scenario);
  if ('problems' in read) return read.problems;
  return { scenario: read.value, directory: dirname(file), problem: read.problem };
}

const unreachable = (_path: readonly PropertyKey[], message: string): Problem => {
  throw new Error(message);
};

async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > LIMITS.documentBytes) throw usage(`${file} is larger than ${LIMITS.documentBytes} bytes`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined || cause instanceof Error === false || code === 'usage') throw cause;
    throw usage(`${file} ${code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`}`);
  }
}

/** Names of revisions that events make the head, in their order. */
export const commitsOf = ({ scenario: { spec } }: Script): string[] =>
  (spec.events ?? []).flatMap(({ commit }) => (commit === undefined ? [] : [commit]));

type Acts = Promise<
  { readonly acts: { atMs: number; act: Act }[] } | { readonly problems: readonly Problem[] }
>;

/**
 * The events of a scenario as acts. `placeOf` tells the place of a revision by the name that the scenario gives it; the first
 * commit of an event is at place `first`.
 */
export async function actsOf(
  script: Script,
  snapshots: Snapshots,
  world: { readonly snapshot: Snapshot; readonly entries: Entries; readonly head: number },
  placeOf: (revision: string) => number | undefined,
  signal: AbortSignal,
): Acts {
  const problems: Problem[] = [];
  const acts: { atMs: number; act: Act }[] = [];
  let { snapshot, entries, head } = world;
  let last = 0;
  for (const [index, event] of (script.scenario.spec.events ?? []).entries()) {
    const here = ['spec', 'events', index];
    const refuse = (path: readonly PropertyKey[], message: string) =>
      problems.push(script.problem([...here, ...path], message));
    const atMs = milliseconds(event.at);
    if (atMs < last) refuse(['at'], `spec.events: ${event.at} comes before the event above it`);
    last = Math.max(last, atMs);
    const moved = await movedBy(event);
    if (moved) {
      entries = moved.entries;
      snapshot = await snapshots.at(head, entries, signal);
      acts.push({ atMs, act: { kind: 'snapshot', snapshot, clusters: moved.clusters } });
      continue;
    }
    const order = orderOf(event, snapshot, placeOf, refuse);
    if (order) acts.push({ atMs, act: { kind: 'order', order } });

    async function movedBy({ commit, join: joins, leave, relabel }: ScenarioEvent) {
      if (commit !== undefined) {
        const before = entries;
        head += 1;
        const now = new Map(snapshots.entriesAt(head, before));
        const names = [...now.keys()].filter((name) => !before.has(name));
        // Clusters that joined in the scenario alone stay; the commit does not know them.
        for (const [name, entry] of before)
          if (entry.file === SCENARIO && !now.has(name)) now.set(name, entry);
        return { entries: now, clusters: names };
      }
      if (joins !== undefined) {
        const made = await joiner(script, joins, here, refuse);
        if (!made) return { entries, clusters: [] };
        const { name } = made.document.metadata;
        if (entries.has(name)) refuse(['join'], `cluster ${name} is there already`);
        return { entries: new Map([...entries, [name, made]]), clusters: [name] };
      }
      const name = leave ?? relabel?.name;
      if (name === undefined) return undefined;
      const entry = entries.get(name);
      const path = leave === undefined ? ['relabel', 'name'] : ['leave'];
      if (!entry) refuse(path, `there is no cluster ${name}${near(name, entries.keys())}`);
      const others = new Map([...entries].filter(([other]) => other !== name));
      if (entry && relabel) {
        const { document } = entry;
        const metadata = { ...document.metadata, labels: relabel.labels };
        others.set(name, { ...entry, document: { ...document, metadata } });
      }
      return { entries: others, clusters: [] };
    }
  }
  return problems.length > 0 ? { problems } : { acts };
}

/** Where an entry stands that no commit has. */
const SCENARIO = '(scenario)';

async function joiner(
  { directory }: Script,
  given: string | Cluster,
  here: readonly PropertyKey[],
  refuse: (path: readonly PropertyKey[], message: string) => void,
): Promise<Sourced<Cluster> | undefined> {
  const source = { file: SCENARIO, locate: () => ({ file: SCENARIO, line: 1, column: 1 }), quote: () => '' };
  if (typeof given !== 'string') return { ...source, document: given };
  const file = join(directory, given);
  const read = readOther(file, await textOf(file), clusterSchema);
  if (!('problems' in read)) return { ...source, document: read.value };
  for (const { message } of read.problems) refuse(['join'], `${here.join('.')}.join: ${message}`);
  return undefined;
}

const near = (name: string, known: Iterable<string>): string => {
  const meant = didYouMean(name, [...known]);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
};

/** An event that is something a person orders. What the machine refuses is part of the rehearsal; names that do not exist are not. */
function orderOf(
  event: ScenarioEvent,
  { clusters, placements }: Snapshot,
  placeOf: (revision: string) => number | undefined,
  refuse: (path: readonly PropertyKey[], message: string) => void,
): FleetCommand | undefined {
  const kind = HAPPENINGS.find((key) => event[key] !== undefined);
  const given = kind && (event[kind] as Given | undefined);
  if (!kind || !given || typeof given !== 'object') return undefined;
  const by = given.by ?? 'rehearsal';
  const who = { by, ...(given.reason !== undefined && { reason: given.reason }) };
  const names = clusters.map(({ name }) => name);
  if (given.name !== undefined && !names.includes(given.name)) {
    refuse([kind, 'name'], `there is no cluster ${given.name}${near(given.name, names)}`);
    return undefined;
  }
  if (kind === 'hold' || kind === 'release') return { kind, cluster: given.name!, ...who };
  if (kind === 'freeze' || kind === 'unfreeze') return { kind, whom: whomOf(given), ...who };
  const placement = given.placement!;
  const facts = placements.get(placement);
  if (!facts) {
    refuse([kind, 'placement'], `there is no placement ${placement}${near(placement, placements.keys())}`);
    return undefined;
  }
  const order = ((): Command | undefined => {
    switch (kind) {
      case 'approve':
      case 'deny':
        return { kind, stage: given.stage!, groups: given.groups ?? [], ...who };
      case 'expedite':
        return { kind, stages: [given.stage!], ...(given.skip && { skips: given.skip }), ...who };
      case 'pin': {
        const place = placeOf(given.revision!);
        const version = place === undefined ? undefined : versionsOf(facts.versions).inForceAt(place);
        if (version) return { kind, whom: whomOf(given), revision: version.revision, ...who };
        refuse([kind, 'revision'], `${given.revision} is no revision of this rehearsal`);
        return undefined;
      }
      case 'unpin':
        return { kind, whom: whomOf(given), ...who };
      case 'pause':
      case 'resume':
      case 'retry':
      case 'abort':
      case 'rollback':
        return { kind, ...who };
      default:
        return undefined;
    }
  })();
  return order && { placement, order };
}

type Given = {
  by?: string;
  reason?: string;
  name?: string;
  selector?: string;
  placement?: string;
  stage?: string;
  groups?: string[];
  revision?: string;
  skip?: Extract<Command, { kind: 'expedite' }>['skips'];
};

const whomOf = ({ name, selector }: Given): Whom =>
  name === undefined ? { selector: parseSelector(selector!) } : { cluster: name };
