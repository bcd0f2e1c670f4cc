import { lineFacts } from '#rollouts/advance.ts';
import type { FleetFacts, PlacementFacts } from '#rollouts/facts.ts';
import { EMPTY_FLEET, type FleetState, type Line } from '#rollouts/state.ts';
import { versionWaitsFor } from '#rollouts/words.ts';
import { type BannerRow, bannersOf } from './banners.ts';
import { type ChangeRow, changesOf } from './change.ts';
import { etaOf } from './eta.ts';
import { type ExplanationRow, explain } from './explain.ts';
import { type GateRow, gatesOf } from './gates.ts';
import { type LineStage, lineStages } from './line-stages.ts';
import { type Clock, isOver, LineView } from './line-view.ts';
import { Memory, type MemoryLimits, type RolloutMemory, type Told } from './memory.ts';
import { NONE, type Progress, sumOf } from './progress.ts';
import {
  pausedUntilOf,
  previousOf,
  type RolloutRow,
  reasonOf,
  rolloutProgress,
  rolloutsOf,
  type StageRow,
  stageNamed,
  stageProgress,
  stagesOf,
} from './rollout.ts';
import { type StageApprovalRow, stageApprovalsOf } from './stage-approvals.ts';
import { type TargetRow, targetsOf } from './targets.ts';

/** Placements of which something of a rollout may have changed. */
export type RolloutListener = (placements: ReadonlySet<string>) => void;
type Version = Pick<RolloutRow, 'placement' | 'version'>;

/**
 * Everything shown of rollouts. Nothing is derived until it is asked for, and then of one placement; what was derived of a line is
 * kept for as long as it stands. No clock: `tick` says what time it is.
 */
export class RolloutBook {
  readonly #memory: Memory;
  readonly #listeners = new Set<RolloutListener>();
  readonly #views = new Map<string, LineView>();
  #state: FleetState = EMPTY_FLEET;
  #facts: FleetFacts | undefined;
  #silent: ReadonlyMap<string, number> = new Map();
  #now = 0;
  #toldAt = 0;

  constructor(limits?: MemoryLimits) {
    this.#memory = new Memory(limits);
  }

  // ---- fed

  /** `given` are the facts as of the decision that made this state; where it was only read, the last ones stand. */
  set(state: FleetState, given: FleetFacts | undefined, now: number): void {
    const before = this.#state;
    const facts = given ?? this.#facts;
    const isSame = (placement: string) =>
      before.lines[placement] === state.lines[placement] &&
      sameFacts(this.#facts?.placements.get(placement), facts?.placements.get(placement));
    const names = new Set([...Object.keys(before.lines), ...Object.keys(state.lines)]);
    const everywhere =
      before.silent !== state.silent ||
      before.holds !== state.holds ||
      before.freezes !== state.freezes ||
      this.#facts?.clusters !== facts?.clusters;
    const changed = new Set([...names].filter((placement) => everywhere || !isSame(placement)));
    for (const placement of changed) this.#views.delete(placement);
    if (everywhere)
      this.#silent = new Map(Object.entries(state.silent).map(([cluster, { hub }]) => [cluster, hub]));
    this.#state = state;
    this.#facts = facts;
    this.#now = Math.max(this.#now, now);
    this.#notify(changed);
  }

  /** When the newest event was that it was told. */
  get toldAt(): number {
    return this.#toldAt;
  }

  tell(events: readonly Told[]): void {
    const changed = new Set<string>();
    for (const event of events) {
      this.#memory.tell(event);
      this.#toldAt = Math.max(this.#toldAt, event.at);
      if (event.placement !== undefined) changed.add(event.placement);
    }
    for (const placement of changed) this.#views.delete(placement);
    this.#notify(changed);
  }

  tick(now: number): void {
    this.#now = Math.max(this.#now, now);
  }

  #notify(changed: ReadonlySet<string>): void {
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed);
  }

  /** Returns how to stop. A listener must not throw, and must be quick. */
  listen(listener: RolloutListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  // ---- asked

  /** Now, and the hub time that belongs to it. */
  get clock(): Clock {
    const { hub, at, running } = this.#state.clock;
    return { now: this.#now, hub: hub + (running ? Math.max(0, this.#now - at) : 0) };
  }

  get state(): FleetState {
    return this.#state;
  }

  line(placement: string): Line | undefined {
    return this.#state.lines[placement];
  }

  /** Undefined for a placement that no line is known of. */
  view(placement: string): LineView | undefined {
    const known = this.#views.get(placement);
    if (known) return known;
    const line = this.#state.lines[placement];
    const facts = this.#facts;
    if (!line || !facts?.placements.has(placement)) return undefined;
    const made = new LineView(
      placement,
      line,
      lineFacts(this.#state, facts, placement, this.#silent),
      (version) => this.#memory.of(placement, version),
    );
    this.#views.set(placement, made);
    return made;
  }

  /** Of one placement or of all; the newest first within each. */
  rollouts(placement?: string): RolloutRow[] {
    const names = placement === undefined ? Object.keys(this.#state.lines).sort() : [placement];
    return names.flatMap((name) => {
      const view = this.view(name);
      return view ? rolloutsOf(view, this.#memory.versions(name)) : [];
    });
  }

  rollout(placement: string, version: string): RolloutRow | undefined {
    return this.rollouts(placement).find((row) => row.version === version);
  }

  /** All rollouts of each commit, or of `only` one; `aliasOf` names a commit. */
  changes(aliasOf: (revision: string) => string, only?: string): ChangeRow[] {
    const rows = this.rollouts();
    return changesOf(only === undefined ? rows : rows.filter(({ version }) => version === only), aliasOf);
  }

  stages(row: RolloutRow): readonly StageRow[] {
    return this.#of(row, [], (view) => stagesOf(view, row));
  }

  gates({ placement, version }: Version, stage: string): readonly GateRow[] {
    return this.#of({ placement }, [], (view) => {
      const known = stageNamed(view, stage);
      return known ? gatesOf(view, version, known, this.clock) : [];
    });
  }

  progress({ placement, version }: Version): Progress {
    return this.#of({ placement }, NONE, (view) => rolloutProgress(view, version));
  }

  stageProgress({ placement, version }: Version, stage: string): Progress {
    return this.#of({ placement }, NONE, (view) => {
      const known = stageNamed(view, stage);
      return known ? stageProgress(view, version, known) : NONE;
    });
  }

  targets({ placement, version }: Version): TargetRow[] {
    return this.#of({ placement }, [], (view) =>
      view.line.stages.flatMap((stage) => targetsOf(view, version, stage)),
    );
  }

  /** Of several rollouts together. */
  sum(rows: readonly Version[]): Progress {
    return sumOf(rows.map((row) => this.progress(row)));
  }

  lineStages(placement: string): LineStage[] {
    return this.#of({ placement }, [], lineStages);
  }

  /** The stage that a cluster falls in; undefined where none takes it. */
  stageOf(cluster: string, placement: string): string | undefined {
    return this.view(placement)?.draft.membership.stageOf.get(cluster);
  }

  previous({ placement, version }: Version): string | undefined {
    return this.#of({ placement }, undefined, (view) => previousOf(view, version));
  }

  reason(row: RolloutRow): string | undefined {
    return this.#of(row, undefined, (view) => reasonOf(view, row));
  }

  pausedUntil(row: RolloutRow): number | undefined {
    return this.#of(row, undefined, (view) => pausedUntilOf(view, row));
  }

  eta({ placement, version }: Version): number | undefined {
    return this.#of({ placement }, undefined, (view) => etaOf(view, version, this.clock));
  }

  /** In words; never empty while it is under way. */
  waitingFor({ placement, version, phase }: RolloutRow): string[] {
    if (isOver(phase)) return [];
    const { now, hub } = this.clock;
    return this.#of({ placement }, [], ({ line, facts }) =>
      versionWaitsFor(line, { ...facts, hub }, now, version),
    );
  }

  /** What has happened, as far as it is remembered. */
  memory({ placement, version }: Version): RolloutMemory | undefined {
    return this.#memory.of(placement, version);
  }

  approvals(placement?: string): StageApprovalRow[] {
    const names = placement === undefined ? Object.keys(this.#state.lines).sort() : [placement];
    return names.flatMap((name) =>
      this.#of({ placement: name }, [], (view) =>
        stageApprovalsOf(view, this.#memory.versions(name), this.clock),
      ),
    );
  }

  explain(cluster: string, placement: string): ExplanationRow | undefined {
    return this.#of({ placement }, undefined, (view) => explain(view, cluster, this.clock));
  }

  banners(): BannerRow[] {
    return bannersOf(this.#state, this.#facts?.clusters ?? []);
  }

  #of<T>({ placement }: Pick<RolloutRow, 'placement'>, otherwise: T, make: (view: LineView) => T): T {
    const view = this.view(placement);
    return view ? make(view) : otherwise;
  }
}

/** Whether a placement's line is derived from the same; reports change the line itself where they matter. */
function sameFacts(a: PlacementFacts | undefined, b: PlacementFacts | undefined): boolean {
  const isFree = !a?.blocked.size && !b?.blocked.size;
  return a?.versions === b?.versions && a?.strategy === b?.strategy && (isFree || a?.blocked === b?.blocked);
}
