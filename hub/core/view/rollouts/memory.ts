import type { FleetEvent } from '#rollouts/advance.ts';
import type { StateCounts } from '#rollouts/events.ts';
import type { Skip, TargetState } from '#rollouts/state.ts';

/** An event of the machine, and when it happened: Unix milliseconds of the hub. */
export type Told = FleetEvent & { readonly at: number };

export type Decision = {
  readonly by: string;
  readonly at: number;
  readonly approved: boolean;
  readonly reason: string | undefined;
};
export type GateMemory = {
  requestedAt: number;
  openedAt?: number;
  /** The no that was the last word about it: of a person, or of a webhook. */
  refused?: string;
  decisions: Decision[];
};
export type StageMemory = {
  tookAt?: number;
  startedAt?: number;
  passedAt?: number;
  /** Why it passed without its gates, where no order said so. */
  ungated?: string;
  /** How the version left the clusters of the stage. */
  counts?: StateCounts;
  /** What an order let it pass without, and when that was given. */
  readonly skips: Map<Skip, number>;
  /** By key of the gate. */
  readonly gates: Map<string, GateMemory>;
};
export type TargetMemory = {
  readonly stage: string;
  readonly state: TargetState;
  readonly startedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
  readonly message?: string | undefined;
};

/** How a target stands after an event. */
const STATES: Partial<Record<FleetEvent['what'], TargetState>> = {
  published: 'Applying',
  started: 'Applying',
  current: 'Current',
  recovered: 'Current',
  rolledBack: 'Current',
  failed: 'Failed',
  regressed: 'Failed',
  removed: 'Removed',
  offline: 'Offline',
  blocked: 'Blocked',
  recalled: 'Offline',
};
const ENDS: ReadonlySet<FleetEvent['what']> = new Set([
  'succeeded',
  'superseded',
  'aborted',
  'rollbackEnded',
]);
/** Events of one rollout that are kept. */
const MOST_EVENTS = 2_000;

/** What has happened with one version of a placement, as far as this hub was told. */
export class RolloutMemory {
  readonly version: string;
  readonly stages = new Map<string, StageMemory>();
  /** Of clusters that were touched, newest state each. */
  targets = new Map<string, TargetMemory>();
  /** Newest last. */
  events: Told[] = [];
  /** How many older ones are gone. */
  dropped = 0;
  startedAt: number | undefined;
  endedAt: number | undefined;
  #wentBack = false;

  constructor(version: string) {
    this.version = version;
  }

  get size(): number {
    return this.targets.size + this.events.length;
  }

  stage(name: string): StageMemory {
    let known = this.stages.get(name);
    if (!known) {
      known = { skips: new Map(), gates: new Map() };
      this.stages.set(name, known);
    }
    return known;
  }

  tell(event: Told): void {
    this.events.push(event);
    if (this.events.length > MOST_EVENTS) {
      this.events = this.events.slice(-MOST_EVENTS / 2);
      this.dropped += MOST_EVENTS / 2 + 1;
    }
    if (ENDS.has(event.what)) this.endedAt = event.at;
    if (event.what === 'rollbackStarted') this.#wentBack = true;
    if (event.what === 'retried') this.#retried();
    if (event.stage !== undefined) this.#tellStage(this.stage(event.stage), event);
    if (event.cluster !== undefined) this.#tellTarget(event.cluster, event);
  }

  /** Gates are asked anew; stages that had passed it go on from there, unless it was taken back. */
  #retried(): void {
    for (const stage of this.stages.values()) if (this.#wentBack || stage.passedAt === undefined) shut(stage);
  }

  /** How far it came before is no news any more, once it begins again. */
  #taken(stage: StageMemory): void {
    for (const one of this.#wentBack ? this.stages.values() : [stage]) forget(one);
    this.#wentBack = false;
  }

  #tellStage(stage: StageMemory, { what, at, gate, by, reason, counts, skips }: Told): void {
    if (counts) stage.counts = counts;
    switch (what) {
      case 'stageTook':
        this.#taken(stage);
        stage.tookAt = at;
        this.startedAt ??= at;
        this.endedAt = undefined;
        return;
      case 'stageStarted':
        stage.startedAt = at;
        return;
      case 'stagePassed':
        stage.passedAt = at;
        if (reason !== undefined) stage.ungated = reason;
        for (const one of stage.gates.values()) one.openedAt ??= at;
        return;
      case 'expedited':
        for (const skip of skips ?? []) if (!stage.skips.has(skip)) stage.skips.set(skip, at);
        return;
      default:
    }
    const isDecision = what === 'approved' || what === 'denied';
    // An order that was read back does not name its gate: it is the one that waited.
    const waits = [...stage.gates].find(([, { openedAt }]) => openedAt === undefined)?.[0];
    const key = gate ?? (isDecision ? waits : undefined);
    if (key === undefined) return;
    const known = stage.gates.get(key) ?? { requestedAt: at, decisions: [] };
    if (what === 'gateOpened') known.openedAt = at;
    if (what === 'gateOpened') delete known.refused;
    if (what === 'gateDenied' && reason !== undefined) known.refused = reason;
    if (what === 'denied') known.refused = `by ${by}${reason === undefined ? '' : `: ${reason}`}`;
    // Gates are asked one after the other: a soak says nothing when it is over.
    if (what === 'gateWaiting')
      for (const [other, one] of stage.gates) if (other !== key) one.openedAt ??= at;
    if (isDecision && by !== undefined)
      known.decisions.push({ by, at, approved: what === 'approved', reason });
    stage.gates.set(key, known);
  }

  #tellTarget(cluster: string, { what, at, stage, reason }: Told): void {
    const state = STATES[what];
    const known = this.targets.get(cluster);
    const name = stage ?? known?.stage;
    if (!state || name === undefined) return;
    // What has passed or ended is published again only to who comes back to it: no news of the rollout.
    const isPast = this.endedAt !== undefined || this.stage(name).passedAt !== undefined;
    if (isPast && (what === 'published' || what === 'started') && known) return;
    const isOver = state !== 'Applying';
    this.targets.set(cluster, {
      stage: name,
      state,
      startedAt: what === 'published' ? at : known?.startedAt,
      finishedAt: isOver ? at : undefined,
      message: reason,
    });
  }
}

/** It has all before it again; what people decided stays. */
function forget(stage: StageMemory): void {
  delete stage.startedAt;
  delete stage.passedAt;
  delete stage.ungated;
  delete stage.counts;
  shut(stage);
}

function shut({ skips, gates }: StageMemory): void {
  skips.clear();
  for (const gate of gates.values()) {
    delete gate.openedAt;
    delete gate.refused;
  }
}

export type MemoryLimits = {
  /** Rollouts of one placement. */
  readonly rollouts: number;
  /** Events and targets, of all rollouts together. */
  readonly entries: number;
};
const LIMITS: MemoryLimits = { rollouts: 30, entries: 300_000 };

/**
 * What the machine said of each rollout, bounded: the oldest rollouts lose their events and targets first, then themselves. It begins
 * when this hub does, unless older events are told to it; it decides nothing.
 */
export class Memory {
  readonly #limits: MemoryLimits;
  readonly #rollouts = new Map<string, Map<string, RolloutMemory>>();
  /** By age. */
  readonly #order = new Set<RolloutMemory>();
  #entries = 0;

  constructor(limits: MemoryLimits = LIMITS) {
    this.#limits = limits;
  }

  get entries(): number {
    return this.#entries;
  }

  of(placement: string, version: string): RolloutMemory | undefined {
    return this.#rollouts.get(placement)?.get(version);
  }

  /** Versions of a placement that something is known of, the oldest first. */
  versions(placement: string): Iterable<string> {
    return this.#rollouts.get(placement)?.keys() ?? [];
  }

  tell(event: Told): void {
    const { placement, revision } = event;
    if (placement === undefined) return;
    if (revision !== undefined) this.#tell(this.#make(placement, revision), event);
    // Pauses, bus troubles, joiners: of everything that is under way.
    else
      for (const one of this.#rollouts.get(placement)?.values() ?? [])
        if (one.endedAt === undefined) this.#tell(one, event);
    this.#shrink();
  }

  #tell(memory: RolloutMemory, event: Told): void {
    const before = memory.size;
    memory.tell(event);
    this.#entries += memory.size - before;
  }

  #make(placement: string, version: string): RolloutMemory {
    const all = this.#rollouts.get(placement) ?? new Map<string, RolloutMemory>();
    this.#rollouts.set(placement, all);
    const known = all.get(version);
    if (known) return known;
    const made = new RolloutMemory(version);
    all.set(version, made);
    this.#order.add(made);
    if (all.size > this.#limits.rollouts) {
      const [oldest] = all.values();
      all.delete(oldest!.version);
      this.#order.delete(oldest!);
      this.#entries -= oldest!.size;
    }
    return made;
  }

  #shrink(): void {
    for (const memory of this.#order) {
      if (this.#entries <= this.#limits.entries) return;
      this.#entries -= memory.size;
      memory.dropped += memory.events.length;
      memory.events = [];
      memory.targets = new Map();
    }
  }
}
