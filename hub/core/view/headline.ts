import { type Axes, type Axis, shared } from './axes.ts';

/** One word for sorting and colouring only; worst first. */
export const HEADLINES_WORST_FIRST = [
  'FAILED',
  'OFFLINE',
  'DRIFTED',
  'UNKNOWN',
  'APPLYING',
  'PENDING',
  'SUSPENDED',
  'OK',
] as const;
export type Headline = (typeof HEADLINES_WORST_FIRST)[number];

export type StatusView = Axes & { readonly headline: Axis<Headline> };

const SYNC: Record<Axes['sync']['state'], Headline> = {
  SYNCED: 'OK',
  PENDING: 'PENDING',
  APPLYING: 'APPLYING',
  AWAITING_APPROVAL: 'PENDING',
  FAILED: 'FAILED',
  SUSPENDED: 'SUSPENDED',
  HELD: 'SUSPENDED',
  UNKNOWN: 'UNKNOWN',
};
const DRIFT: Record<Axes['drift']['state'], Headline> = {
  NONE: 'OK',
  DRIFTED: 'DRIFTED',
  ERROR: 'UNKNOWN',
  UNKNOWN: 'UNKNOWN',
};
const HEALTH: Record<Axes['health']['state'], Headline> = {
  CURRENT: 'OK',
  IN_PROGRESS: 'APPLYING',
  TERMINATING: 'APPLYING',
  FAILED: 'FAILED',
  NOT_FOUND: 'FAILED',
  UNKNOWN: 'UNKNOWN',
};
/** While something is on its way, not knowing its drift and health yet is part of that. */
const UNDER_WAY = new Set<string>(['PENDING', 'APPLYING', 'AWAITING_APPROVAL']);

/**
 * The worst axis of one assignment. OFFLINE hides the others, because they are only what was known last; a STALE cluster
 * is never better than UNKNOWN.
 */
export function headlineOf(axes: Axes): Axis<Headline> {
  const absent = absence(axes);
  if (absent) return absent;
  const underWay = UNDER_WAY.has(axes.sync.state);
  const candidates: Axis<Headline>[] = [{ ...axes.sync, state: SYNC[axes.sync.state] }];
  for (const one of [
    { ...axes.drift, state: DRIFT[axes.drift.state] },
    { ...axes.health, state: HEALTH[axes.health.state] },
  ]) {
    if (!(underWay && one.state === 'UNKNOWN')) candidates.push(one);
  }
  if (axes.connectivity.state === 'STALE') candidates.push({ ...axes.connectivity, state: 'UNKNOWN' });
  const worst = candidates.reduce((a, b) => (rankOf(b.state) < rankOf(a.state) ? b : a));
  if (worst.state !== 'OK') return worst;
  return {
    state: 'OK',
    since: Math.max(axes.connectivity.since, ...candidates.map(({ since }) => since)),
  };
}

/** The worst of a cluster's assignments; of the connectivity alone where nothing is assigned. */
export function foldHeadlines(
  axes: Axes,
  parts: readonly (readonly [name: string, headline: Axis<Headline>])[],
): Axis<Headline> {
  const absent = absence(axes);
  if (absent) return absent;
  if (parts.length === 0) return headlineOf(axes);
  const state = HEADLINES_WORST_FIRST.find((one) => parts.some(([, headline]) => headline.state === one))!;
  const sharing = parts.filter(([, headline]) => headline.state === state);
  const times = sharing.map(([, { since }]) => since);
  if (state === 'OK') return { state, since: Math.max(...times) };
  return {
    state,
    since: Math.min(...times),
    reason: shared(sharing.map(([name, { reason }]) => [name, reason])),
  };
}

function absence({ connectivity }: Axes): Axis<Headline> | undefined {
  if (connectivity.state === 'OFFLINE') return { ...connectivity, state: 'OFFLINE' };
  if (connectivity.state === 'NEVER_CONNECTED') return { ...connectivity, state: 'UNKNOWN' };
  return undefined;
}

export const rankOf = (headline: Headline): number => HEADLINES_WORST_FIRST.indexOf(headline);
