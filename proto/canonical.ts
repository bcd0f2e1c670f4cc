import { createHash } from 'node:crypto';

/** JSON with sorted keys and no space: equal values have equal text. Undefined members are left out, as in JSON. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.keys(value)
      .sort()
      .filter((key) => (value as Record<string, unknown>)[key] !== undefined)
      .map((key) => `${JSON.stringify(key)}:${canonicalJson((value as Record<string, unknown>)[key])}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Lower-case hex SHA-256 of a value's canonical JSON under a domain, so that hashes of different things never meet. */
export function hashOf(domain: string, value: unknown): string {
  return createHash('sha256').update(`${domain}\0`).update(canonicalJson(value)).digest('hex');
}
