import { isUtf8 } from 'node:buffer';
import { EngineFault } from '../fault.ts';
import type { FoundFile } from '../read/files.ts';
import type { GeneratorEntry } from '../read/kustomization.ts';
import type { Workshop } from '../transformers/transformer.ts';

export type Pair = readonly [key: string, value: Buffer];

/**
 * What a generator's `envs`, `literals` and `files` hold, in that order.
 * @throws EngineFault for sources that cannot be read, and for a key that comes twice
 */
export function readPairs(
  entry: GeneratorEntry,
  { files, directory }: Workshop,
): ReadonlyMap<string, Buffer> {
  const pairs: Pair[] = [
    ...(entry.envs ?? []).flatMap((path) => envPairs(files.read(directory, path))),
    ...(entry.literals ?? []).map(literalPair),
    ...(entry.files ?? []).map((source): Pair => {
      const { key, path } = fileSource(source);
      return [key, Buffer.from(files.read(directory, path).file.bytes)];
    }),
  ];
  const result = new Map<string, Buffer>();
  for (const [key, value] of pairs) {
    if (result.has(key)) throw new EngineFault(`key ${key} comes twice`);
    result.set(key, value);
  }
  return result;
}

/** Lines of `key=value`; a key alone has the value ''. Comments, blank lines and a byte order mark are passed over. */
function envPairs({ path, file }: FoundFile): Pair[] {
  const text = Buffer.from(file.bytes);
  if (!isUtf8(text)) throw new EngineFault(`${path} is not UTF-8 text, so it holds no key=value lines`);
  const lines = text
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split('\n');
  return lines.flatMap((line): Pair[] => {
    const trimmed = line.replace(/\r$/, '').replace(GO_SPACE, '');
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const equals = trimmed.indexOf('=');
    const [key, value] = equals < 0 ? [trimmed, ''] : [trimmed.slice(0, equals), trimmed.slice(equals + 1)];
    return key === '' ? [] : [[key, Buffer.from(value)]];
  });
}

/** What Go calls space at the start of a line; JavaScript counts U+FEFF too, and not U+0085. */
const GO_SPACE = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** `key=value`; quotes around the whole value are taken off. It may be secret, and is not shown. */
function literalPair(source: string, index: number): Pair {
  const equals = source.indexOf('=');
  if (equals < 1) throw new EngineFault(`literal ${index + 1} is not key=value`);
  const value = source.slice(equals + 1);
  const quoted = value.length >= 2 && /^(["']).*\1$/s.test(value);
  return [source.slice(0, equals), Buffer.from(quoted ? value.slice(1, -1) : value)];
}

/** `path`, whose last part is the key, or `key=path`. */
function fileSource(source: string): { key: string; path: string } {
  const parts = source.split('=');
  if (parts.length === 1) return { key: source.slice(source.lastIndexOf('/') + 1), path: source };
  const [key, path] = parts;
  if (parts.length > 2 || !key || !path) throw new EngineFault(`${source} is neither a path nor key=path`);
  return { key, path };
}
