import { isRecord, type KubeObject } from './object.ts';

const SHORTEST = 3;
/** Single lines of a longer value (a key, a certificate) count from here on. */
const LONG_LINE = 12;

/** Every text that is a secret value of the object, in each spelling in which a server could repeat it. Empty for other kinds. */
export function secretTexts(object: KubeObject): string[] {
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1') return [];
  const texts = new Set<string>();
  const add = (text: string): void => {
    if (text.length < SHORTEST) return;
    texts.add(text);
    texts.add(JSON.stringify(text).slice(1, -1));
    texts.add(encodeURIComponent(text));
    for (const line of text.split('\n')) if (line.length >= LONG_LINE) texts.add(line);
  };
  const { apiVersion: _, kind: __, metadata: ___, type: ____, immutable: _____, ...content } = object;
  for (const value of leavesOf(content)) {
    add(value);
    add(Buffer.from(value, 'base64').toString('utf8'));
    add(Buffer.from(value).toString('base64'));
  }
  const lastApplied = object.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'];
  if (lastApplied !== undefined) add(lastApplied);
  return [...texts].sort((a, b) => b.length - a.length);
}

/** Every text, number and boolean, wherever it stands: what is misplaced is refused, and the server repeats it. */
function leavesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  if (isRecord(value)) return Object.values(value).flatMap(leavesOf);
  return value === null || value === undefined ? [] : [String(value)];
}

/** The message without the secret values of the object that it is about. */
export function scrub(message: string, object: KubeObject): string {
  let clean = message;
  for (const text of secretTexts(object)) clean = clean.replaceAll(text, '***');
  return clean;
}
