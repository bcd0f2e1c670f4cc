/** `ms` spread by `share` to both sides; `random` in [0, 1). Keeps a fleet from acting in step. */
export function jittered(ms: number, share: number, random: number): number {
  return Math.round(ms * (1 + share * (2 * random - 1)));
}

/** `max(clock, last + 1)`: grows with every call, also when the clock goes back. */
export function nextNumber(last: number, now: number): number {
  return Math.max(now, last + 1);
}
