import { Cron } from 'croner';
import { milliseconds } from '#proto/documents/common.ts';
import type { WindowSpec } from '#proto/documents/strategy.ts';
import type { ClusterFacts } from './facts.ts';
import { isAmong } from './membership.ts';

/** Whether a cluster may start now: an answer that holds until `until` (Unix milliseconds). */
export type Opening = { readonly open: boolean; readonly until: number };

const ALWAYS: Opening = { open: true, until: Number.POSITIVE_INFINITY };

/** Open where no window binds the cluster, or one that does is open (design/30, rule 10). */
export function openingFor(windows: readonly WindowSpec[], cluster: ClusterFacts, now: number): Opening {
  const binding = windows.filter(({ selector }) => isAmong({ selector: selector ?? {} }, cluster));
  if (binding.length === 0) return ALWAYS;
  const openings = binding.map((window) => openingOf(window, now));
  const open = openings.filter((one) => one.open);
  return open.length > 0
    ? { open: true, until: Math.max(...open.map(({ until }) => until)) }
    : { open: false, until: Math.min(...openings.map(({ until }) => until)) };
}

type Known = { cron: Cron; from: number; opening: Opening };
const known = new WeakMap<WindowSpec, Known>();

/** One look serves until it may change. Daylight saving is the affair of the time zone's own clock. */
export function openingOf(window: WindowSpec, now: number): Opening {
  const last = known.get(window);
  if (last && now >= last.from && now < last.opening.until) return last.opening;
  const cron =
    last?.cron ?? new Cron(window.cron, { timezone: window.timezone, paused: true, mode: '5-part' });
  const length = milliseconds(window.duration);
  const runs = cron.previousRuns(2, new Date(now + 1_000)).map((run) => run.getTime());
  const next = cron.nextRun(new Date(now))?.getTime() ?? Number.POSITIVE_INFINITY;
  const end = (runs.find((began) => began <= now) ?? Number.NEGATIVE_INFINITY) + length;
  const opening = end > now ? { open: true, until: end } : { open: false, until: next };
  known.set(window, { cron, from: now, opening });
  return opening;
}
