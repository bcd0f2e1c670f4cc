import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { CHART_LIMITS, type ChartTree, refused, TreeBuilder } from './tree.ts';

const BLOCK = 512;
/** Beyond the contents: a header, its extensions and the padding of each file. */
const UNPACKED = CHART_LIMITS.bytes + 8 * BLOCK * CHART_LIMITS.files;

/**
 * The chart in an archive that `helm package` made: a gzipped tar (POSIX 1003.1-2001 and the long names of GNU tar) whose only
 * top directory is the chart. Links and all else that is neither a file nor a directory are refused.
 *
 * @throws FlotillaError chart-refused
 */
export async function unpackChart(archive: Uint8Array, what: string): Promise<ChartTree> {
  const builder = new TreeBuilder(what);
  let top: string | undefined;
  for (const { path, content } of tarFiles(await unzip(archive, what), what)) {
    const [first, ...rest] = path.replace(/^\.\//, '').split('/');
    top ??= first;
    if (first !== top || rest.length === 0)
      throw refused(`${what}: ${JSON.stringify(path)} stands beside the directory of the chart`);
    builder.add(rest.join('/'), content);
  }
  return builder.build();
}

async function unzip(archive: Uint8Array, what: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(archive, { maxOutputLength: UNPACKED });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw refused(`${what} unpacks to more than ${CHART_LIMITS.bytes >> 20} MB`, cause);
    throw refused(`${what} is no gzipped archive`, cause);
  }
}

function* tarFiles(tar: Buffer, what: string): Generator<{ path: string; content: Buffer }> {
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return;
    const size = octal(header.subarray(124, 136));
    if (octal(header.subarray(148, 156)) !== checksum(header) || size === undefined)
      throw refused(`${what} holds no tar archive, or a broken one`);
    const content = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length < size) throw refused(`${what} is cut off`);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156] || 0x30);
    if (type === 'x') longName = paxPath(content) ?? longName;
    else if (type === 'L') longName = text(content);
    else if (type !== 'g') {
      const path: string = longName ?? nameOf(header);
      longName = undefined;
      if (type === '0' || type === '7') yield { path, content };
      else if (type !== '5')
        throw refused(`${what}: ${JSON.stringify(path)} is a link or a device; charts are files`);
    }
  }
}

const text = (bytes: Buffer) => bytes.toString('utf8').replace(/\0.*$/s, '');

function nameOf(header: Buffer): string {
  const name = text(header.subarray(0, 100));
  const prefix =
    text(header.subarray(257, 262)) === 'ustar' && header[262] === 0 ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function octal(field: Buffer): number | undefined {
  const [digits] = /^[0-7]+/.exec(text(field).trim()) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** Of the bytes of a header, those of the checksum itself taken for blanks. */
function checksum(header: Buffer): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

/** The path of the next file, from records `LENGTH KEY=VALUE\n`. */
function paxPath(records: Buffer): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < records.length; ) {
    const blank = records.indexOf(0x20, at);
    const length = Number(records.toString('latin1', at, blank));
    if (blank < 0 || !Number.isInteger(length) || length <= 0) return path;
    const [, key, value] = /^([^=]+)=(.*)\n$/s.exec(records.toString('utf8', blank + 1, at + length)) ?? [];
    if (key === 'path') path = value;
    at += length;
  }
  return path;
}
