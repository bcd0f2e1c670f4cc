import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { pipeline as pipe, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { z } from 'zod';
import { FlotillaError } from '#proto/faults.ts';

/**
 * A backup of a hub: gzip of JSON lines. The first says what it is and of which hub, the last how many lines there were and the
 * SHA-256 of all before it. A contract, version 1.
 */
const FORMAT = 'flotilla-hub-backup';
const VERSION = 1;
/** No message of the bus is as long. */
const MOST_LINE = 4 * 1024 * 1024;

const header = z.object({
  format: z.literal(FORMAT),
  v: z.literal(VERSION),
  at: z.iso.datetime(),
  /** Of the program that wrote it. */
  version: z.string(),
  /** The hub's public key. */
  hub: z.string(),
});
export type Header = Omit<z.infer<typeof header>, 'format' | 'v'>;

const item = z.discriminatedUnion('kind', [
  /** A secret file below the hub's directory, by its path there. */
  z.object({ kind: z.literal('file'), path: z.string(), text: z.string() }),
  /** An entry of hub state. */
  z.object({ kind: z.literal('state'), key: z.string(), text: z.string() }),
  /** A message of a stream, oldest first. */
  z.object({ kind: z.literal('message'), stream: z.string(), subject: z.string(), text: z.string() }),
]);
export type Item = z.infer<typeof item>;
export type Counts = Record<Item['kind'], number>;

const end = z.object({ kind: z.literal('end'), lines: z.int(), sha256: z.string() });

/**
 * Writes a backup that only its owner can read, whole or not at all, and tells what is in it.
 * @throws FlotillaError backup-failed, also where the file is there already and `force` is false
 */
export async function writeArchive(
  file: string,
  { at, version, hub }: Header,
  items: AsyncIterable<Item>,
  force: boolean,
): Promise<Counts> {
  const counts: Counts = { file: 0, state: 0, message: 0 };
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  async function* lines(): AsyncGenerator<string> {
    const hash = createHash('sha256');
    let count = 0;
    const line = (value: object): string => {
      const text = `${JSON.stringify(value)}\n`;
      hash.update(text);
      count++;
      return text;
    };
    yield line({ format: FORMAT, v: VERSION, at, version, hub });
    for await (const one of items) {
      counts[one.kind]++;
      yield line(one);
    }
    yield `${JSON.stringify({ kind: 'end', lines: count, sha256: hash.digest('hex') })}\n`;
  }
  try {
    await pipeline(
      Readable.from(lines()),
      createGzip(),
      createWriteStream(draft, { mode: 0o600, flags: 'wx', flush: true }),
    );
    // A link does not go over a file that came to be meanwhile, a rename does.
    if (force) await rename(draft, file);
    else await link(draft, file);
  } catch (cause) {
    if (cause instanceof FlotillaError) throw cause;
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const why = isThere
      ? 'is there already; --force writes over it'
      : `cannot be written: ${(cause as Error).message}`;
    throw new FlotillaError('backup-failed', `${file} ${why}`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
  return counts;
}

/**
 * The items of a backup, in the order in which they were written; the header first to `onHeader`. All of it is only known to be
 * whole once the last one has been read.
 * @throws FlotillaError backup-invalid for what is no backup, is damaged, cut off or of a later version
 */
export async function* readArchive(file: string, onHeader: (header: Header) => void): AsyncGenerator<Item> {
  const wrong = (why: string, cause?: unknown) =>
    new FlotillaError('backup-invalid', `${file} ${why}`, { cause });
  const handle = await open(file).catch((cause: Error) => {
    throw wrong(`cannot be read: ${cause.message}`, cause);
  });
  await handle.close();
  const hash = createHash('sha256');
  let [count, ended] = [0, false];
  try {
    for await (const text of linesOf(file)) {
      if (ended) throw wrong('goes on after its end');
      const value: unknown = JSON.parse(text);
      if (count === 0) {
        onHeader(headerOf(value, wrong));
      } else {
        const last = end.safeParse(value).data;
        if (last) {
          if (last.lines !== count || last.sha256 !== hash.digest('hex'))
            throw wrong('is damaged: its checksum is another');
          ended = true;
          continue;
        }
        yield item.parse(value);
      }
      hash.update(`${text}\n`);
      count++;
    }
  } catch (cause) {
    if (cause instanceof FlotillaError) throw cause;
    throw wrong(count === 0 ? 'is no backup of a hub' : `is damaged after ${count} lines`, cause);
  }
  if (!ended) throw wrong(count === 0 ? 'is no backup of a hub' : `is cut off after ${count} lines`);
}

/** Reads all of a backup and tells what is in it. @throws as `readArchive` */
export async function checkArchive(file: string): Promise<{ header: Header; counts: Counts }> {
  let found: Header | undefined;
  const counts: Counts = { file: 0, state: 0, message: 0 };
  const items = readArchive(file, (read) => {
    found = read;
  });
  for await (const { kind } of items) counts[kind]++;
  return { header: found!, counts };
}

function headerOf(value: unknown, wrong: (why: string) => FlotillaError): Header {
  const read = header.safeParse(value).data;
  if (read) return read;
  const { format, v } = (value ?? {}) as { format?: unknown; v?: unknown };
  throw wrong(
    format === FORMAT
      ? `is a backup of version ${v}; this program reads version ${VERSION}`
      : 'is no backup of a hub',
  );
}

/** Lines of a zipped file; the last one has its end, too, or it was cut off. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const unzipped = createGunzip();
  // Its errors come to whoever reads what it is piped to.
  pipe(createReadStream(file), unzipped, () => undefined);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of unzipped as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = rest.indexOf(0x0a); at >= 0; at = rest.indexOf(0x0a, from)) {
      yield rest.toString('utf8', from, at);
      from = at + 1;
    }
    rest = rest.subarray(from);
    if (rest.length > MOST_LINE) throw new Error('a line is too long');
  }
  if (rest.length > 0) throw new Error('the last line has no end');
}
