import type { Skip, TargetState } from './state.ts';

/** What happened, in the order in which it did: for timelines, notifications and the audit. */
export const WHATS = [
  'published',
  'started',
  'current',
  'failed',
  'regressed',
  'recovered',
  'offline',
  'blocked',
  'removed',
  'unchanged',
  'recalled',
  'rolledBack',
  'joined',
  'left',
  'relabelled',
  'stageTook',
  'stageStarted',
  'stagePassed',
  'gateWaiting',
  'gateOpened',
  'gateDenied',
  'paused',
  'resumed',
  'approved',
  'denied',
  'refused',
  'retried',
  'aborted',
  'expedited',
  'pinned',
  'unpinned',
  'frozen',
  'unfrozen',
  'held',
  'released',
  'superseded',
  'rollbackStarted',
  'rollbackEnded',
  'busHeld',
  'busBack',
  'succeeded',
] as const;
export type What = (typeof WHATS)[number];

export type LineEvent = {
  readonly what: What;
  readonly cluster?: string;
  readonly stage?: string;
  readonly revision?: string;
  /** `before/0`, `after/1`: which gate of the stage it is about. */
  readonly gate?: string;
  readonly reason?: string;
  readonly by?: string;
  /** Of an order to expedite: what the stage need not wait for. */
  readonly skips?: readonly Skip[];
  /** Of a stage that goes on: how many of its clusters the version left in which state. */
  readonly counts?: StateCounts;
};
export type StateCounts = Readonly<Partial<Record<TargetState, number>>>;

/** A request that is repeated until its answer is among the facts. */
export type WebhookRequest = {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly stage: string;
  readonly version: string;
  readonly when: 'before' | 'after';
  /** What the stage passed last, and who wrote the commits since. */
  readonly previous?: string;
  readonly authors: readonly string[];
};
