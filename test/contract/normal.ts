import type { Json } from '#sim/json.ts';

/** Strings that no two servers have in common, and what stands for them. */
const PATTERNS: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>'],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>'],
  [/\b10\.\d+\.\d+\.\d+\b/g, '<address>'],
  [/contract-[0-9a-f]{8}/g, '<namespace>'],
];

/** An answer without what differs for no reason of the contract: uids, times, addresses, versions, order of entries. */
export function normal(value: Json, field = ''): Json {
  if (typeof value === 'string') {
    if (field === 'resourceVersion') return '<version>';
    return PATTERNS.reduce((text, [pattern, sign]) => text.replaceAll(pattern, sign), value);
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => normal(item));
    return field === 'managedFields' ? items.sort((a, b) => (text(a) < text(b) ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, normal(value[name] ?? null, name)]));
}

function text(value: Json): string {
  return JSON.stringify(value);
}
