/** Exponential delay with full jitter below a ceiling; units are milliseconds. */
export type Backoff = { first: number; most: number };

/**
 * Delay before attempt `failures + 1`: 0 for no failure, else between half and the whole of `first · 2^(failures-1)`, never above
 * `most`. `random` in [0, 1). Half is kept so that a retry never comes at once.
 */
export function backoff({ first, most }: Backoff, failures: number, random: number): number {
  if (failures <= 0) return 0;
  const ceiling = Math.min(most, first * 2 ** Math.min(failures - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
