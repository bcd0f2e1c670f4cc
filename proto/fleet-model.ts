import { whyNotSelected } from './assignment.ts';
import type { Cluster } from './documents/cluster.ts';
import type { Fleet } from './documents/fleet.ts';
import type { Placement } from './documents/placement.ts';
import { type FleetDocument, kindAt, type Locate, readDocument } from './documents/read.ts';
import { didYouMean, type Problem } from './problems.ts';
import type { Labels } from './selector.ts';

/** A document with the file it stands in. */
export type Sourced<T> = { file: string; document: T; locate: Locate };

/**
 * What a fleet repository means at one revision: the documents that are valid, and every problem of the others.
 * A document with an error is absent here; whoever keeps history lets what it concerns stay at its last valid revision.
 */
export type FleetModel = {
  fleet: Sourced<Fleet> | undefined;
  clusters: ReadonlyMap<string, Sourced<Cluster>>;
  placements: ReadonlyMap<string, Sourced<Placement>>;
  problems: readonly Problem[];
  /** Names whose file exists but is invalid: they are in force at their last valid revision, not removed. */
  invalid: { fleet: boolean; clusters: ReadonlySet<string>; placements: ReadonlySet<string> };
};

/** Reads all documents of a repository (path → text; other files are ignored). Never throws on bad input. */
export function assembleFleet(files: Iterable<readonly [path: string, text: string]>): FleetModel {
  const problems: Problem[] = [];
  const invalid = { fleet: false, clusters: new Set<string>(), placements: new Set<string>() };
  const clusters = new Map<string, Sourced<Cluster>>();
  const placements = new Map<string, Sourced<Placement>>();
  let fleet: Sourced<Fleet> | undefined;
  const refuse = (kind: string | undefined, name: string, found: Problem[]) => {
    const concerns = kind === 'Cluster' ? { cluster: name } : kind === 'Placement' ? { placement: name } : {};
    problems.push(...found.map((problem) => ({ ...problem, ...concerns })));
    if (!found.some((problem) => problem.severity === 'error')) return;
    if (kind === 'Fleet') invalid.fleet = true;
    if (kind === 'Cluster') invalid.clusters.add(name);
    if (kind === 'Placement') invalid.placements.add(name);
  };

  for (const [path, text] of files) {
    const kind = kindAt(path);
    if (!kind) continue;
    const result = readDocument(path, text);
    if ('problems' in result) refuse(kind, stemOf(path), result.problems);
    else if (result.read.kind === 'Fleet') fleet = result.read;
    else if (result.read.kind === 'Cluster') keep(clusters, result.read, refuse);
    else keep(placements, result.read, refuse);
  }
  if (!fleet && !invalid.fleet) {
    const message = 'flotilla.yaml is missing at the root of the repository';
    problems.push({ code: 'fleet-missing', severity: 'error', message, source: { file: 'flotilla.yaml' } });
    invalid.fleet = true;
  }
  for (const [name, cluster] of clusters) {
    const found = [
      ...checkLabels(fleet?.document, cluster),
      ...checkPlacementValues(cluster, placements, invalid.placements),
    ];
    if (found.length > 0) refuse('Cluster', name, found);
  }
  for (const [name, found] of checkKeys(clusters)) refuse('Cluster', name, found);
  for (const [name, placement] of placements) {
    const found = [
      ...checkDependencies(placement, placements, invalid.placements),
      ...checkExpectation(placement, clusters, invalid.clusters.size),
    ];
    if (found.length > 0) refuse('Placement', name, found);
  }
  for (const name of invalid.clusters) clusters.delete(name);
  for (const name of invalid.placements) placements.delete(name);
  return { fleet, clusters, placements, problems, invalid };
}

function keep<T extends Cluster | Placement>(
  into: Map<string, Sourced<T>>,
  read: { kind: FleetDocument['kind']; file: string; document: T; locate: Locate },
  refuse: (kind: string, name: string, found: Problem[]) => void,
) {
  const { name } = read.document.metadata;
  const first = into.get(name);
  if (!first) {
    into.set(name, read);
    return;
  }
  const message = `${read.file}: ${read.kind} ${name} exists already in ${first.file}`;
  refuse(read.kind, name, [
    {
      code: 'document-duplicate',
      severity: 'error',
      message,
      source: read.locate(['metadata', 'name']),
      text: name,
    },
  ]);
}

function checkLabels(fleet: Fleet | undefined, { document, file, locate }: Sourced<Cluster>): Problem[] {
  const vocabulary = fleet?.spec.labels;
  if (!vocabulary) return [];
  const has: Labels = document.metadata.labels ?? {};
  const problem = (key: string, message: string, more: Partial<Problem> = {}): Problem => ({
    code: 'label-invalid',
    severity: 'error',
    message: `${file}: ${message}`,
    source: locate(['metadata', 'labels', key]),
    ...more,
  });
  const found: Problem[] = [];
  for (const [key, value] of Object.entries(has)) {
    const rule = Object.hasOwn(vocabulary, key) ? vocabulary[key] : undefined;
    if (!rule) {
      const near = didYouMean(key, Object.keys(vocabulary));
      found.push(
        problem(
          key,
          `label ${key} is not in the vocabulary of the fleet${near ? `; did you mean ${near}?` : ''}`,
          { text: key, ...(near && { suggestion: near }) },
        ),
      );
    } else if (rule.enum && !rule.enum.includes(value)) {
      const near = didYouMean(value, rule.enum);
      found.push(
        problem(
          key,
          `label ${key}=${value} is not one of ${rule.enum.join(', ')}${near ? `; did you mean ${near}?` : ''}`,
          { text: value, ...(near && { suggestion: near }) },
        ),
      );
    } else if (rule.pattern && !new RegExp(rule.pattern).test(value)) {
      found.push(problem(key, `label ${key}=${value} does not match ${rule.pattern}`, { text: value }));
    }
  }
  for (const [key, rule] of Object.entries(vocabulary)) {
    if (rule.required && !Object.hasOwn(has, key))
      found.push(problem(key, `label ${key} is required and missing`));
  }
  return found;
}

function checkPlacementValues(
  { document, file, locate }: Sourced<Cluster>,
  placements: ReadonlyMap<string, Sourced<Placement>>,
  invalid: ReadonlySet<string>,
): Problem[] {
  const found: Problem[] = [];
  for (const [name, values] of Object.entries(document.spec.placementValues ?? {})) {
    const target = placements.get(name)?.document;
    const source = locate(['spec', 'placementValues', name]);
    if (!target) {
      if (invalid.has(name)) continue;
      const near = didYouMean(name, placements.keys());
      const message = `${file}: placementValues names placement ${name}, which does not exist${near ? `; did you mean ${near}?` : ''}`;
      found.push({
        code: 'placement-unknown',
        severity: 'error',
        message,
        source,
        text: name,
        ...(near && { suggestion: near }),
      });
      continue;
    }
    const declared = [
      ...(target.spec.values?.required ?? []),
      ...Object.keys(target.spec.values?.optional ?? {}),
    ];
    for (const key of Object.keys(values).filter((key) => !declared.includes(key))) {
      const near = didYouMean(key, declared);
      const message = `${file}: placement ${name} does not declare value ${key}${near ? `; did you mean ${near}?` : ''}`;
      found.push({
        code: 'value-undeclared',
        severity: 'error',
        message,
        source: locate(['spec', 'placementValues', name, key]),
        text: key,
        ...(near && { suggestion: near }),
      });
    }
  }
  return found;
}

/** An agent key belongs to one cluster; all but the first by name are refused. */
function checkKeys(clusters: ReadonlyMap<string, Sourced<Cluster>>): Map<string, Problem[]> {
  const owners = new Map<string, string>();
  const found = new Map<string, Problem[]>();
  for (const name of [...clusters.keys()].sort()) {
    const { document, file, locate } = clusters.get(name)!;
    document.spec.agent.publicKeys.forEach((key, index) => {
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, name);
      else if (owner !== name) {
        const message = `${file}: the agent key ${key} belongs to cluster ${owner} already`;
        found.set(name, [
          {
            code: 'key-duplicate',
            severity: 'error',
            message,
            source: locate(['spec', 'agent', 'publicKeys', index]),
            text: key,
          },
        ]);
      }
    });
  }
  return found;
}

function checkDependencies(
  placement: Sourced<Placement>,
  all: ReadonlyMap<string, Sourced<Placement>>,
  invalid: ReadonlySet<string>,
): Problem[] {
  const { document, file, locate } = placement;
  const found: Problem[] = [];
  (document.spec.dependsOn ?? []).forEach((name, index) => {
    if (all.has(name) || invalid.has(name)) return;
    const near = didYouMean(name, all.keys());
    const message = `${file}: dependsOn names placement ${name}, which does not exist${near ? `; did you mean ${near}?` : ''}`;
    found.push({
      code: 'placement-unknown',
      severity: 'error',
      message,
      source: locate(['spec', 'dependsOn', index]),
      text: name,
      ...(near && { suggestion: near }),
    });
  });
  const cycle = cycleThrough(document.metadata.name, all);
  if (cycle) {
    found.push({
      code: 'dependency-cycle',
      severity: 'error',
      message: `${file}: dependsOn is a circle: ${cycle.join('→')}`,
      source: locate(['spec', 'dependsOn']),
    });
  }
  return found;
}

function cycleThrough(start: string, all: ReadonlyMap<string, Sourced<Placement>>): string[] | undefined {
  const seen = new Set<string>();
  const walk = (name: string, trail: string[]): string[] | undefined => {
    for (const next of all.get(name)?.document.spec.dependsOn ?? []) {
      if (next === start) return [...trail, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const cycle = walk(next, [...trail, next]);
      if (cycle) return cycle;
    }
    return undefined;
  };
  return walk(start, [start]);
}

function checkExpectation(
  { document, file, locate }: Sourced<Placement>,
  clusters: ReadonlyMap<string, Sourced<Cluster>>,
  unreadable: number,
): Problem[] {
  const least = document.spec.expect?.minClusters;
  if (!least) return [];
  const selected = [...clusters.values()].filter(
    (cluster) => whyNotSelected(document, cluster.document) === undefined,
  );
  // A cluster that cannot be read is in force at its last valid revision and may well be selected there.
  if (selected.length + unreadable >= least) return [];
  const message = `${file}: selects ${selected.length} clusters, but expects at least ${least}`;
  return [{ code: 'placement-empty', severity: 'error', message, source: locate(['spec', 'selector']) }];
}

const stemOf = (path: string) => path.slice(path.lastIndexOf('/') + 1).replace(/\.yaml$/, '');
