import { committedApprovals, isInForce } from '#proto/approvals.ts';
import { guardsOf, placesOf, resolveAssignment } from '#proto/assignment.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import { stemOf } from '#proto/documents/kinds.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Sourced } from '#proto/documents/read.ts';
import { type LabelGroup, nameOf } from '#proto/fleet-checks/context.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { approvingCommit, howToApprove, needsApproval, removalSetHash } from '#proto/removals.ts';
import { type Labels, matches, mismatches } from '#proto/selector.ts';
import { declaredNames, type SharedLayer, sharedLayer } from '#proto/values.ts';
import type { OverlayBook } from './book.ts';
import { type Content, contentOf, differences } from './compare.ts';
import type { Change, PlacementPlan } from './plan.ts';
import { policyDifferences } from './policy.ts';
import type { Touched } from './reads.ts';
import { type StageMove, type StageMoves, stageIn, stagingOf } from './stage-moves.ts';
import type { TouchedOverlays } from './touched.ts';

/** A fleet at one moment, with its overlays. */
export type Moment = {
  readonly model: FleetModel;
  readonly groups: readonly LabelGroup[];
  readonly book: OverlayBook;
};

/** What differs between two moments, apart from placements. */
export type Differences = {
  /** Clusters whose entry is new, gone or another one. */
  readonly clusters: ReadonlySet<string>;
  /** Of Values documents, or of what the Fleet says of every assignment. */
  readonly shared: boolean;
  readonly overlays: TouchedOverlays;
  readonly stages: StageMoves;
  /** Unix ms. */
  readonly now: number;
};
type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };

const MOST_NAMED = 5;

/** What becomes of one placement; undefined where it neither was nor is. */
export async function planPlacement(
  name: string,
  before: Moment,
  after: Moment,
  moved: Differences,
  signal: AbortSignal,
): Promise<PlacementPlan | undefined> {
  const was = before.model.placements.get(name);
  const is = after.model.placements.get(name);
  const invalid = after.model.invalid.placements.has(name) || after.model.invalid.fleet;
  const any = is ?? was;
  if (!any) return undefined;
  const fleet = (after.model.fleet ?? before.model.fleet)?.document;
  const staging = stagingOf(any.document, after.model, before.model);
  const stagedBefore = was && !invalid ? stagingOf(was.document, before.model) : staging;
  const plan: Mutable<PlacementPlan> = {
    placement: name,
    file: any.file,
    document: invalid
      ? 'invalid'
      : !was
        ? 'added'
        : !is
          ? 'removed'
          : was.document === is.document
            ? 'unchanged'
            : 'changed',
    strategy: staging.name ?? null,
    strategyBefore: (is ? stagedBefore : staging).name ?? null,
    stages: staging.document?.spec.stages.map((stage) => stage.name) ?? [],
    moved: was && is && !invalid ? moved.stages.of(was.document, is.document) : [],
    policy: invalid ? [] : policyDifferences(name, before.model, after.model),
    changed: [],
    joined: [],
    left: [],
    held: [],
    unchanged: 0,
    unmatched: [],
    approval: null,
    warnings: [],
  };
  const had = before.groups.reduce(
    (sum, { labels, clusters }) => sum + (selects(was, labels) ? clusters.length : 0),
    0,
  );
  if (invalid) {
    plan.unchanged = had;
    return plan;
  }
  if (is) {
    const look = closeLook(was, is, before, after, moved, signal);
    const doubt = inDoubt(is.document, after.model);
    for (const { labels, clusters } of after.groups) {
      const failing = mismatches(is.document.spec.selector, labels);
      if (failing.length > 0) addUnmatched(plan, failing.join('; '), clusters);
      else {
        const needed = look.neededIn(clusters);
        for (const cluster of clusters) {
          if (!needed(cluster)) {
            plan.unchanged++;
            continue;
          }
          const on = nameOf(cluster);
          const old = before.model.clusters.get(on);
          const joins = !old || !selects(was, labelsOf(old));
          const result = await look.at(cluster, joins ? undefined : old);
          const change = (why: readonly string[]): Change => ({
            cluster: on,
            stage: stageIn(staging, cluster),
            why,
          });
          if ('code' in result) plan.held.push({ cluster: on, ...result });
          else if (doubt && !joins && result.why.length > 0) plan.held.push({ cluster: on, ...doubt });
          else if (joins) plan.joined.push(change([whyJoined(name, on, before.model)]));
          else if (result.why.length > 0) plan.changed.push(change(result.why));
          else plan.unchanged++;
        }
      }
    }
  }
  addLeaving(plan, was, is, before, after.model, moved);
  const staged = ({ to }: StageMove) => (to === null ? -1 : plan.stages.indexOf(to));
  plan.moved.sort((a, b) => staged(a) - staged(b) || (a.cluster < b.cluster ? -1 : 1));
  for (const list of [plan.changed, plan.joined, plan.left])
    list.sort((a, b) => order(plan.stages, a) - order(plan.stages, b) || (a.cluster < b.cluster ? -1 : 1));
  if (fleet) guard(plan, had, fleet, after.model, moved.now);
  return plan;
}

/** With a Values document that cannot be read nothing moves of a placement that declares values, as the hub has it. */
function inDoubt(placement: Placement, { invalid, problems }: FleetModel) {
  const [name] = invalid.values;
  if (name === undefined || declaredNames(placement).size === 0) return undefined;
  const code = problems.find(({ source }) => stemOf(source.file) === name)?.code ?? 'document-invalid';
  return { code, message: `Values ${name} is not valid: what it would set is not known` };
}

const order = (stages: readonly string[], { stage }: Change) => (stage === null ? -1 : stages.indexOf(stage));
const labelsOf = ({ document }: Sourced<Cluster>): Labels => document.metadata.labels ?? {};
const selects = (placement: Sourced<Placement> | undefined, labels: Labels): boolean =>
  placement !== undefined && matches(placement.document.spec.selector, labels);

function addUnmatched(
  plan: Mutable<PlacementPlan>,
  why: string,
  clusters: readonly Sourced<Cluster>[],
): void {
  const at = plan.unmatched.findIndex((one) => one.why === why);
  const { count = 0, clusters: some = [] } = plan.unmatched[at] ?? {};
  const named = [...some, ...clusters.slice(0, MOST_NAMED).map(nameOf)].slice(0, MOST_NAMED);
  plan.unmatched[at < 0 ? plan.unmatched.length : at] = {
    why,
    count: count + clusters.length,
    clusters: named,
  };
}

/** Clusters that had the placement and are not given it any more. One that is not valid stays as it is. */
function addLeaving(
  plan: Mutable<PlacementPlan>,
  was: Sourced<Placement> | undefined,
  is: Sourced<Placement> | undefined,
  before: Moment,
  { clusters, invalid }: FleetModel,
  moved: Differences,
): void {
  const candidates =
    was && was.document === is?.document
      ? [...moved.clusters].flatMap((name) => before.model.clusters.get(name) ?? [])
      : [...before.model.clusters.values()];
  for (const old of candidates) {
    if (!selects(was, labelsOf(old))) continue;
    const name = nameOf(old);
    const cluster = clusters.get(name);
    if (!cluster && invalid.clusters.has(name)) {
      plan.unchanged++;
      continue;
    }
    const failing = is && cluster ? mismatches(is.document.spec.selector, labelsOf(cluster)) : [];
    if (is && cluster && failing.length === 0) continue;
    const why = !is ? 'the placement is removed' : !cluster ? 'the cluster is removed' : failing.join('; ');
    plan.left.push({ cluster: name, stage: null, why: [why] });
  }
}

function whyJoined(
  placement: string,
  cluster: string,
  { placements, clusters, invalid }: FleetModel,
): string {
  if (invalid.placements.has(placement)) return 'the placement was not valid before';
  if (!placements.has(placement)) return 'the placement is new';
  if (invalid.clusters.has(cluster)) return 'the cluster was not valid before';
  return clusters.has(cluster) ? 'it is selected now' : 'the cluster is new';
}

/** What the hub would hold, measured by this change alone: what left without an approval before is known to the hub only. */
function guard(
  plan: Mutable<PlacementPlan>,
  had: number,
  fleet: Fleet,
  { placements, invalid }: FleetModel,
  now: number,
): void {
  const { placement, left } = plan;
  const { maxAssignmentsRemoved: most } = guardsOf(fleet);
  const staying = had - left.length + plan.joined.length;
  const emptied = placements.size + invalid.placements.size === 0;
  if (!needsApproval({ leaving: left.length, staying, left: 0, of: had }, most, emptied)) return;
  const setHash = removalSetHash(
    placement,
    left.map(({ cluster }) => cluster),
  );
  const is = placements.get(placement);
  const given = committedApprovals(placement, fleet, is?.document);
  if (given.some((one) => one.removal === setHash && isInForce(one, now))) return;
  const commit = approvingCommit(placement, is?.file, setHash, now);
  const percent = (share: number) => `${Math.round(share * 1_000) / 10} %`;
  const why =
    left.length / had > most
      ? `more than guards.maxAssignmentsRemoved allows (${percent(most)})`
      : 'the last there are';
  plan.approval = { setHash, commit };
  plan.warnings.push(
    `${left.length} of ${had} assignments of placement ${placement} are removed (${percent(left.length / had)}), ${why}: the hub holds them as ${setHash} until a commit approves it; ${howToApprove(commit)}`,
  );
}

type Compared = { readonly why: readonly string[] } | { readonly code: string; readonly message: string };

/** Compares one cluster at both moments; `neededIn` tells where something that is read has changed. */
function closeLook(
  was: Sourced<Placement> | undefined,
  is: Sourced<Placement>,
  before: Moment,
  after: Moment,
  moved: Differences,
  signal: AbortSignal,
) {
  const all = was?.document !== is.document || moved.shared;
  const { path, components = [] } = is.document.spec;
  const byName = [path, ...components.map((component) => component.path)].some((one) =>
    one.includes('{name}'),
  );
  const filesOf = (cluster: Cluster): Touched | undefined => {
    if (moved.overlays.none) return undefined;
    const { path, components } = placesOf(is.document, cluster);
    return [path, ...components].map((one) => moved.overlays.of(one)).find((found) => found !== undefined);
  };
  const layers = new Map([before, after].map(({ model }) => [model, sharedLayers(model)]));
  const content = async (
    placement: Placement,
    cluster: Cluster,
    { model, book }: Moment,
  ): Promise<Content> => {
    if (!model.fleet) return { code: 'fleet-missing', message: 'flotilla.yaml is not there, or not valid' };
    const shared = layers.get(model)!(placement, cluster.metadata.labels ?? {});
    const resolution = resolveAssignment(model.fleet.document, placement, cluster, { shared });
    if ('assignment' in resolution) return contentOf(resolution.assignment, (path) => book.at(path, signal));
    const { code, message } = resolution.faults[0]!;
    return { code, message };
  };
  return {
    /** Of clusters with equal labels. */
    neededIn(clusters: readonly Sourced<Cluster>[]): (cluster: Sourced<Cluster>) => boolean {
      if (all) return () => true;
      if (!byName && clusters[0] && filesOf(clusters[0].document)) return () => true;
      const byContent = byName && !moved.overlays.none;
      return (cluster) =>
        moved.clusters.has(nameOf(cluster)) || (byContent && filesOf(cluster.document) !== undefined);
    },

    /** Without `old` the cluster joins. */
    async at(now: Sourced<Cluster>, old: Sourced<Cluster> | undefined): Promise<Compared> {
      const then = old && was && (await content(was.document, old.document, before));
      const result = await content(is.document, now.document, after);
      if ('code' in result)
        return then && 'code' in then && then.message === result.message ? { why: [] } : result;
      if (!then) return { why: [] };
      if ('code' in then) return { why: [`it could not be rendered before: ${then.code}`] };
      const files = filesOf(now.document);
      const more =
        files && files.count > files.some.length ? ` and ${files.count - files.some.length} more` : '';
      return { why: differences(then, result, files?.count ? files.some.join(', ') + more : undefined) };
    },
  };
}

/** Shared values of one placement, found out once for clusters of equal labels. */
function sharedLayers({ values }: FleetModel): (placement: Placement, labels: Labels) => SharedLayer {
  const known = new Map<string, SharedLayer>();
  return (placement, labels) => {
    const key = JSON.stringify(labels);
    const layer = known.get(key) ?? sharedLayer(values.values(), placement, labels);
    known.set(key, layer);
    return layer;
  };
}
