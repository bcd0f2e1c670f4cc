import type { Cell, Color } from './table.ts';

/** A glyph and a colour for each headline and axis state; the word always stands beside them. */
const LOOKS: Record<string, readonly [glyph: string, color: Color]> = {
  OK: ['●', 'green'],
  PENDING: ['○', 'blue'],
  APPLYING: ['◐', 'blue'],
  DRIFTED: ['▲', 'yellow'],
  FAILED: ['✖', 'red'],
  OFFLINE: ['◌', 'grey'],
  SUSPENDED: ['‖', 'grey'],
  UNKNOWN: ['?', 'grey'],
};

export function headlineCell(headline: string): Cell {
  const [glyph, color] = LOOKS[headline] ?? ['?', 'grey'];
  return { text: `${glyph} ${headline}`, color };
}

/** Time since, as kubectl says it: 45s, 5m, 3h, 12d; `-` for never. */
export function age(time: string | null | undefined, now: number): string {
  if (!time) return '-';
  const seconds = Math.max(0, Math.floor((now - Date.parse(time)) / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** `key=value,…`, as kubectl shows labels. */
export const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '-';

/** A field's value in one line; `-` where there is none or it is not told. */
export function valueText(value: unknown, most = 40): string {
  if (value === null || value === undefined) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
