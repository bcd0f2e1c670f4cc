/** One figure: `key` in the JSON, `what` and `unit` in the table. */
export type Row = { key: string; what: string; value: number; unit: string };

/** A benchmark says on `say` what it is doing, leaves nothing behind and returns its figures. */
export type Benchmark = (say: (text: string) => void, signal: AbortSignal) => Promise<Row[]>;

/** The q-quantile (0 to 1) of the values by the nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
