import type { Fault } from '#proto/faults.ts';
import type { EventContent } from './bus/bus.ts';
import type { StatusContent } from './core/status.ts';
import { Due } from './due.ts';
import type { EngineEvent, PlacementSnapshot } from './engine/ports.ts';
import type { PlacementView } from './placement-ports.ts';
import { PlacementReport } from './report.ts';
import type { StatusMap } from './state/status-map.ts';

/** Where statuses and events go. */
export interface Outgoing {
  report(placement: string, content: StatusContent): void;
  event(content: EventContent): void;
  forget(placement: string): void;
}

/** What the publisher asks about a placement. */
export interface Observed {
  view(placement: string): PlacementView | undefined;
  snapshot(placement: string): PlacementSnapshot | undefined;
  epoch(): number;
  /** A status has been built. */
  built(placement: string, content: StatusContent): void;
}

type Entry = {
  report: PlacementReport;
  attempt: number;
  builtAt: number;
  problems: ReadonlyMap<string, Fault>;
  newest: StatusContent | undefined;
};

/** A status is built at most so often per placement; the newest state is the one that is built. */
const PACE_MS = 50;
/** For every placement that something happens to at the same time it is so much less often, so that writing comes before telling. */
const PACE_EACH_MS = 0.5;

/** Builds statuses when something changes, tells what is new about them, and keeps the ConfigMap for people. */
export class Publisher {
  readonly #outgoing: Outgoing;
  readonly #observed: Observed;
  readonly #map: StatusMap;
  readonly #entries = new Map<string, Entry>();
  readonly #due = new Due((placement) => this.build(placement));

  constructor(outgoing: Outgoing, observed: Observed, map: StatusMap) {
    this.#outgoing = outgoing;
    this.#observed = observed;
    this.#map = map;
  }

  /** The newest status that was built. */
  newest(placement: string): StatusContent | undefined {
    return this.#entries.get(placement)?.newest;
  }

  /** Something changed: its status is built soon. */
  changed(placement: string): void {
    const entry = this.#entryOf(placement);
    this.#due.at(placement, entry.builtAt + PACE_MS + this.#due.size * PACE_EACH_MS);
  }

  build(placement: string): void {
    const entry = this.#entryOf(placement);
    this.#due.delete(placement);
    const view = this.#observed.view(placement);
    if (!view) return;
    const now = Date.now();
    if (view.attempt !== entry.attempt) entry.report.restart();
    entry.attempt = view.attempt;
    const { content, lookAgainAt } = entry.report.build(
      view,
      this.#observed.snapshot(placement),
      this.#observed.epoch(),
      now,
    );
    entry.builtAt = now;
    entry.newest = content;
    this.#outgoing.report(placement, content);
    this.#observed.built(placement, content);
    this.#tellProblems(placement, entry, content);
    this.#map.set(placement, describe(content));
    if (lookAgainAt !== undefined) this.#due.at(placement, Math.max(now + PACE_MS, lookAgainAt));
  }

  /** An event of the engine, with the revision that runs. */
  engineEvent({ type, placement, drift, message }: EngineEvent): void {
    const revision = this.newest(placement)?.applied?.revision;
    this.#outgoing.event({ type, placement, drift, message, ...(revision && { revision }) });
  }

  forget(placement: string): void {
    this.#due.delete(placement);
    this.#entries.delete(placement);
    this.#outgoing.forget(placement);
    this.#map.remove(placement);
  }

  /** Builds what is due, so that the last that is told is the last that was known. */
  close(): void {
    this.#due.close();
    for (const placement of this.#entries.keys()) this.#due.delete(placement);
  }

  #tellProblems(placement: string, entry: Entry, content: StatusContent): void {
    const problems = new Map(content.faults.map((fault) => [fault.code, fault as Fault]));
    for (const [code, { message }] of problems) {
      if (!entry.problems.has(code)) this.#outgoing.event({ type: 'PROBLEM_FOUND', placement, message });
    }
    for (const [code, { message }] of entry.problems) {
      if (!problems.has(code as never)) this.#outgoing.event({ type: 'PROBLEM_SOLVED', placement, message });
    }
    entry.problems = problems;
  }

  #entryOf(placement: string): Entry {
    const known = this.#entries.get(placement);
    if (known) return known;
    const entry: Entry = {
      report: new PlacementReport(),
      attempt: -1,
      builtAt: 0,
      problems: new Map(),
      newest: undefined,
    };
    this.#entries.set(placement, entry);
    return entry;
  }
}

/** The lines of one placement in `flotilla-status`. */
function describe(content: StatusContent): Record<string, string | number | undefined> {
  const { attempted, applied, sync, drift, health, faults, removed } = content;
  return {
    revision: applied?.revision,
    digest: applied?.digest,
    attempted: attempted && attempted.digest !== applied?.digest ? attempted.revision : undefined,
    sync: removed ? 'REMOVED' : sync.state,
    reason: sync.reason,
    drift: drift.state,
    health: health.state,
    error: faults[0]?.message,
  };
}
