import { FLEET_NAME, type Kind, kindAt, kindOfFolder, looksMeant } from './documents/kinds.ts';
import {
  type Claim,
  type FleetDocument,
  type ReadResult,
  readDocument,
  readHiding,
} from './documents/read.ts';
import { type Before, type Context, contextOf, type Documents, without } from './fleet-checks/context.ts';
import { checkCycles } from './fleet-checks/cycles.ts';
import { type Finding, settle } from './fleet-checks/finding.ts';
import { checkKeys } from './fleet-checks/keys.ts';
import { checkReferences } from './fleet-checks/references.ts';
import { checkSelection } from './fleet-checks/selection.ts';
import { checkStages } from './fleet-checks/stages.ts';
import { checkTenancy } from './fleet-checks/tenancy.ts';
import { checkValueConflicts } from './fleet-checks/values.ts';
import { checkLabels, checkSelectors } from './fleet-checks/vocabulary.ts';
import type { Problem } from './problems.ts';

export type { Sourced } from './documents/read.ts';
export type { Before, Documents } from './fleet-checks/context.ts';

/**
 * What a fleet repository means at one revision: the documents that are valid, and every problem of the others.
 * A document with an error is absent here; whoever keeps history lets what it concerns stay at its last valid revision.
 *
 * Values documents are the exception: one that can be read stays, also when it contradicts another document, because whoever
 * resolves an assignment that it concerns gets a fault then, and nothing of that assignment moves. Without it the assignment
 * would silently get other values.
 */
export type FleetModel = Documents & {
  problems: readonly Problem[];
  /**
   * Names that are there but not valid: they are in force at their last valid revision, not removed. Also names whose file is
   * gone though others still need it.
   */
  invalid: {
    fleet: boolean;
    clusters: ReadonlySet<string>;
    placements: ReadonlySet<string>;
    values: ReadonlySet<string>;
    strategies: ReadonlySet<string>;
    access: ReadonlySet<string>;
  };
};

/** One file of a repository, read: it depends on path and text alone, so it can be kept as long as those stay. */
export type FleetFile = { file: string; result: ReadResult };

/** Reads one file; undefined where nothing of the fleet is expected. */
export function readFleetFile(file: string, text: string): FleetFile | undefined {
  if (kindAt(file) !== undefined || looksMeant(file) !== undefined)
    return { file, result: readDocument(file, text) };
  const hiding = readHiding(file, text);
  return hiding && { file, result: hiding };
}

/**
 * Reads all documents of a repository (path → text; other files are ignored). Never throws on bad input. With what was in force
 * before, errors between documents are charged to the document that changed (see `chargedTo`).
 */
export function assembleFleet(
  files: Iterable<readonly [path: string, text: string]>,
  before?: Before,
): FleetModel {
  const read: FleetFile[] = [];
  for (const [path, text] of files) {
    const file = readFleetFile(path, text);
    if (file) read.push(file);
  }
  return judgeFleet(read, before);
}

/** Puts files together that were read one by one; see `assembleFleet`. */
export function judgeFleet(files: Iterable<FleetFile>, before?: Before): FleetModel {
  const draft = new Draft();
  for (const file of files) draft.add(file);
  draft.settleClaims(before);
  const context = contextOf(draft.documents, draft.invalid, before);
  draft.judge(aboutClusters(context), context);
  draft.judge(aboutAll(without(context, draft.invalid.get('Cluster'))), context);
  return draft.model();
}

/** First, because what other documents select is not told of clusters that are refused. */
function* aboutClusters(context: Context): Iterable<Finding> {
  yield* checkLabels(context);
  yield* checkKeys(context);
}

function* aboutAll(context: Context): Iterable<Finding> {
  yield* checkReferences(context);
  yield* checkCycles(context);
  yield* checkTenancy(context);
  yield* checkSelectors(context);
  yield* checkSelection(context);
  yield* checkStages(context);
  yield* checkValueConflicts(context);
}

type Table = Map<string, FleetDocument>;

/** Documents and problems while they are put together. */
class Draft {
  readonly problems: Problem[] = [];
  readonly invalid = new Map<Kind, Set<string>>();
  readonly #tables: Record<Kind, Table> = {
    Fleet: new Map(),
    Cluster: new Map(),
    Placement: new Map(),
    Values: new Map(),
    RolloutStrategy: new Map(),
    Access: new Map(),
  };
  readonly #claims: Claim[] = [];
  /** Paths that hide documents. */
  readonly #hiding: string[] = [];

  add({ file, result }: FleetFile): void {
    if ('problems' in result) {
      const [byPlace] = result.claims ?? [];
      this.problems.push(...result.problems.map((problem) => ({ ...problem, ...concern(byPlace) })));
      if (result.problems.some(({ severity }) => severity === 'error'))
        this.#claims.push(...(result.claims ?? []));
      if (result.hides) this.#hiding.push(file);
      return;
    }
    const { read, warnings = NONE } = result;
    const claim = { kind: read.kind, name: read.kind === 'Fleet' ? FLEET_NAME : read.document.metadata.name };
    for (const problem of warnings) this.problems.push({ ...problem, ...concern(claim) });
    const table = this.#tables[read.kind];
    const first = table.get(claim.name);
    if (!first) {
      table.set(claim.name, read);
      return;
    }
    const path = ['metadata', 'name'];
    this.problems.push({
      code: 'document-duplicate',
      severity: 'error',
      message: `${file}: ${read.kind} ${claim.name} exists already in ${first.file}`,
      source: read.locate(path),
      text: read.quote(path),
      ...concern(claim),
    });
    this.refuse(read.kind, claim.name);
  }

  /** What invalid files stand for is missed only where no valid file says it. */
  settleClaims(before: Before | undefined): void {
    for (const { kind, name } of this.#claims) {
      const known = kind === 'Fleet' ? FLEET_NAME : name;
      if (!this.#tables[kind].has(known)) this.refuse(kind, known);
    }
    for (const path of this.#hiding) this.#hold(`${path}/`, before);
    if (this.#tables.Fleet.size > 0 || this.invalid.has('Fleet')) return;
    const message = 'flotilla.yaml is missing at the root of the repository';
    const source = { file: 'flotilla.yaml' };
    this.problems.unshift({ code: 'fleet-missing', severity: 'error', message, source });
    this.refuse('Fleet', FLEET_NAME);
  }

  /**
   * What was read from below a directory that is hidden now is there, though not valid. The path itself stands for what is not known
   * by name: who has not looked further back does then.
   */
  #hold(directory: string, before: Before | undefined): void {
    const kind = kindOfFolder(directory)!;
    this.refuse(kind, directory);
    const known: Partial<Record<Kind, ReadonlyMap<string, { readonly file: string }> | undefined>> = {
      Cluster: before?.clusters,
      Placement: before?.placements,
      Values: before?.values,
      RolloutStrategy: before?.strategies,
      Access: before?.access,
    };
    for (const [name, { file }] of known[kind] ?? [])
      if (file.startsWith(directory) && !this.#tables[kind].has(name)) this.refuse(kind, name);
  }

  /** Values documents that were read stay; see `FleetModel`. */
  judge(findings: Iterable<Finding>, { changed, values }: Context): void {
    for (const { problem, charged } of settle(findings, changed)) {
      this.problems.push(problem);
      const stays = charged.kind === 'Values' && values.has(charged.name);
      if (problem.severity === 'error' && !stays) this.refuse(charged.kind, charged.name);
    }
  }

  refuse(kind: Kind, name: string): void {
    const names = this.invalid.get(kind);
    if (names) names.add(name);
    else this.invalid.set(kind, new Set([name]));
  }

  /** Every document that was read, also those of a name that is refused. */
  get documents(): Documents {
    const tables = this.#tables;
    return {
      fleet: tables.Fleet.get(FLEET_NAME) as Documents['fleet'],
      clusters: tables.Cluster as ReadonlyMap<string, unknown> as Documents['clusters'],
      placements: tables.Placement as ReadonlyMap<string, unknown> as Documents['placements'],
      values: tables.Values as ReadonlyMap<string, unknown> as Documents['values'],
      strategies: tables.RolloutStrategy as ReadonlyMap<string, unknown> as Documents['strategies'],
      access: tables.Access as ReadonlyMap<string, unknown> as Documents['access'],
    };
  }

  model(): FleetModel {
    for (const [kind, names] of this.invalid) for (const name of names) this.#tables[kind].delete(name);
    const names = (kind: Kind): ReadonlySet<string> => this.invalid.get(kind) ?? new Set();
    return {
      ...this.documents,
      problems: this.problems,
      invalid: {
        fleet: this.invalid.has('Fleet'),
        clusters: names('Cluster'),
        placements: names('Placement'),
        values: names('Values'),
        strategies: names('RolloutStrategy'),
        access: names('Access'),
      },
    };
  }
}

const NONE: readonly Problem[] = [];
function concern(claim: Claim | undefined): Pick<Problem, 'cluster' | 'placement'> {
  if (claim?.kind === 'Cluster') return { cluster: claim.name };
  return claim?.kind === 'Placement' ? { placement: claim.name } : {};
}
