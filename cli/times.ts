import { duration, milliseconds } from '#proto/documents/common.ts';
import { usage } from './args.ts';

/**
 * A moment as people write it, as RFC 3339: a date (UTC, its beginning), a timestamp, or how long ago (`7d`, `90m`).
 * @throws FlotillaError usage
 */
export function momentOf(flag: string, text: string, now: number): string {
  if (duration.safeParse(text).success) return new Date(now - milliseconds(text)).toISOString();
  const time = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:?\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw usage(`--${flag} ${text} is no time: write 7d, 2026-05-03 or 2026-05-03T10:00:00Z`);
  return new Date(time).toISOString();
}
