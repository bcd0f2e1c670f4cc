import { createHash } from 'node:crypto';
import { FlotillaError } from '#proto/faults.ts';
import {
  type Commit,
  type EntryMode,
  isOid,
  type ObjectType,
  type Person,
  type TreeEntry,
} from './objects.ts';

/** The object id (SHA-1 in hex) of content, as `git hash-object -t TYPE` computes it. */
export function hashObject(type: ObjectType, data: Uint8Array): string {
  return createHash('sha1').update(`${type} ${data.length}\0`).update(data).digest('hex');
}

/**
 * Reads the content of a tree object. Refuses (`git-object-corrupt`) what `git fsck` calls an error and what could
 * lead a path astray: unknown modes, names that are empty, `.`, `..` or hold a slash, and a name given twice.
 */
export function parseTree(oid: string, data: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(0x20, at);
    const nul = space < 0 ? -1 : data.indexOf(0, space);
    if (nul < 0 || nul + 21 > data.length) throw corrupt('tree', oid, 'is cut off');
    const digits = data.toString('latin1', at, space);
    const mode = parseMode(digits);
    const name = data.toString('utf8', space + 1, nul);
    if (!mode)
      throw corrupt('tree', oid, `has an entry of unknown mode ${JSON.stringify(digits.slice(0, 12))}`);
    if (name === '' || name === '.' || name === '..' || name.includes('/') || names.has(name)) {
      throw corrupt('tree', oid, `has a name that is not allowed: ${JSON.stringify(name.slice(0, 100))}`);
    }
    names.add(name);
    entries.push({ name, mode, oid: data.toString('hex', nul + 1, nul + 21) });
    at = nul + 21;
  }
  return entries;
}

/** The parents of a commit, without reading the rest of it. */
export function parseParents(oid: string, data: Buffer): string[] {
  const parents: string[] = [];
  if (data.toString('latin1', 0, 5) !== 'tree ' || data[45] !== 0x0a)
    throw corrupt('commit', oid, 'has no tree');
  for (let at = 46; data.toString('latin1', at, at + 7) === 'parent '; at += 48) {
    const parent = data.toString('latin1', at + 7, at + 47);
    if (!isOid(parent) || data[at + 47] !== 0x0a) throw corrupt('commit', oid, 'has a malformed parent');
    parents.push(parent);
  }
  return parents;
}

/** Reads the content of a commit object. The text is decoded by its `encoding` header, else as UTF-8. */
export function parseCommit(oid: string, data: Buffer): Commit {
  const parents = parseParents(oid, data);
  const tree = data.toString('latin1', 5, 45);
  if (!isOid(tree)) throw corrupt('commit', oid, 'has a malformed tree');
  const end = data.indexOf('\n\n');
  const encoding = /^encoding (\S+)$/m.exec(data.toString('latin1', 0, end < 0 ? data.length : end))?.[1];
  const head = decodeText(data.subarray(0, end < 0 ? data.length : end), encoding);
  const message = end < 0 ? '' : decodeText(data.subarray(end + 2), encoding);
  // A header goes on in lines that start with one space (gpgsig).
  const headers = new Map<string, string>();
  for (const line of head.replaceAll('\n ', '\u0001').split('\n')) {
    const space = line.indexOf(' ');
    const key = line.slice(0, space);
    if (space > 0 && !headers.has(key)) headers.set(key, line.slice(space + 1).replaceAll('\u0001', '\n'));
  }
  const signature = headers.get('gpgsig');
  return {
    oid,
    tree,
    parents,
    author: parsePerson(headers.get('author')),
    committer: parsePerson(headers.get('committer')),
    message,
    ...(signature !== undefined && { signature }),
  };
}

/** Modes as Git writes them; old ones have other lower bits. */
const MODES: ReadonlyMap<string, EntryMode> = new Map([
  ['40000', 'tree'],
  ['100644', 'file'],
  ['100755', 'executable'],
  ['120000', 'symlink'],
  ['160000', 'gitlink'],
]);

/** Git takes the type from the upper bits, and of the lower ones only whether the owner may execute (read-cache.h). */
function parseMode(digits: string): EntryMode | undefined {
  const plain = MODES.get(digits);
  if (plain) return plain;
  const bits = /^[0-7]{5,6}$/.test(digits) ? Number.parseInt(digits, 8) : 0;
  switch (bits & 0o170000) {
    case 0o040000:
      return 'tree';
    case 0o100000:
      return bits & 0o100 ? 'executable' : 'file';
    case 0o120000:
      return 'symlink';
    case 0o160000:
      return 'gitlink';
    default:
      return undefined;
  }
}

/** Old histories hold lines without address or time: what cannot be read is shown as the name. */
function parsePerson(line = ''): Person {
  const match = /^(.*?) ?<([^>]*)>(?: (-?\d{1,15}) [+-]\d+)?$/s.exec(line);
  return match
    ? { name: match[1]!, email: match[2]!, at: Number(match[3] ?? 0) }
    : { name: line, email: '', at: 0 };
}

function decodeText(bytes: Buffer, encoding: string | undefined): string {
  if (encoding) {
    try {
      return new TextDecoder(encoding).decode(bytes);
    } catch {
      // An encoding nobody knows: the bytes that are ASCII are still worth showing.
      return bytes.toString('utf8');
    }
  }
  return bytes.toString('utf8');
}

function corrupt(type: ObjectType, oid: string, what: string): FlotillaError {
  return new FlotillaError('git-object-corrupt', `${type} ${oid} ${what}`);
}
