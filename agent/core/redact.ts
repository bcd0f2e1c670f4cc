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
  for (const value of Object.values(isRecord(object.data) ? object.data : {})) {
    if (typeof value !== 'string') {
      add(String(value));
      continue;
    }
    add(value);
    add(Buffer.from(value, 'base64').toString('utf8'));
  }
  for (const value of Object.values(isRecord(object.stringData) ? object.stringData : {})) {
    if (typeof value !== 'string') {
      // A number or boolean that was not quoted: the server refuses it, and repeats it.
      add(String(value));
      continue;
    }
    add(value);
    add(Buffer.from(value).toString('base64'));
  }
  const lastApplied = object.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'];
  if (lastApplied !== undefined) add(lastApplied);
  return [...texts].sort((a, b) => b.length - a.length);
}

/** The message without the secret values of the object that it is about. */
export function scrub(message: string, object: KubeObject): string {
  let clean = message;
  for (const text of secretTexts(object)) clean = clean.replaceAll(text, '***');
  return clean;
}
