import { hash } from 'node:crypto';

/** JSON with sorted keys and no space: equal values have equal text. Undefined members are left out, as in JSON. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    let text = '{';
    for (const key of Object.keys(value).sort()) {
      const member = (value as Record<string, unknown>)[key];
      if (member === undefined) continue;
      text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
    }
    return `${text}}`;
  }
  return JSON.stringify(value);
}

/** Lower-case hex SHA-256 of a value's canonical JSON under a domain, so that hashes of different things never meet. */
export function hashOf(domain: string, value: unknown): string {
  return hashOfCanonical(domain, canonicalJson(value));
}

/** `hashOf` for who has the canonical JSON already. */
export function hashOfCanonical(domain: string, json: string): string {
  return hash('sha256', `${domain}\0${json}`, 'hex');
}
