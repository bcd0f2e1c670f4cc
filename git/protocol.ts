import { FlotillaError } from '#proto/faults.ts';
import { clip } from '#proto/limits.ts';
import { isOid } from './objects.ts';
import { DELIM, FLUSH, type Pkt, pktText, writePkt } from './pkt-line.ts';

/**
 * Git protocol version 2, commands `ls-refs` and `fetch` (gitprotocol-v2(5)), as pairs of write…Request and
 * parse…Response. No I/O: requests are bytes, responses come as pkt-lines. Whatever a server sends, parsing ends with
 * a value or a FlotillaError (`git-protocol`; `git-object-missing` where the server says so).
 */
export type Capabilities = {
  /** `filter` of fetch: partial objects can be asked for. */
  readonly filter: boolean;
  /** `shallow` of fetch: history can be cut. */
  readonly shallow: boolean;
};

export type Ref = { readonly name: string; readonly oid: string };

export type FetchRequest = {
  /** Ids of commits, trees or blobs; any object, where the server allows it. */
  readonly wants: readonly string[];
  /** Objects that are here with all they reach; the server leaves those out. */
  readonly haves?: readonly string[];
  /** Commits that are here without their parents. */
  readonly shallows?: readonly string[];
  /** Commits from each want, itself included. */
  readonly deepen?: number;
  /** What is left out unless wanted by its own id: all trees and blobs, or all blobs. */
  readonly filter?: 'tree:0' | 'blob:none';
};

export type FetchResponse = {
  readonly shallow: readonly string[];
  readonly unshallow: readonly string[];
  /** A packfile (gitformat-pack(5)), not checked yet; it may hold no objects. */
  readonly pack: Buffer;
};

const MAX_REFS = 100_000;

/** Reads the answer to `GET info/refs`. A server of protocol 0 or 1 is `git-not-a-git-server`. */
export async function parseCapabilities(pkts: AsyncIterable<Pkt>): Promise<Capabilities> {
  let version = false;
  let lsRefs = false;
  let fetch: string[] | undefined;
  for await (const pkt of pkts) {
    if (pkt.kind !== 'data') {
      if (version) break;
      continue; // the flush after "# service=…"
    }
    const line = pktText(pkt.payload);
    throwIfError(line);
    if (line.startsWith('# service=')) continue;
    if (!version) {
      if (line !== 'version 2') {
        throw new FlotillaError('git-not-a-git-server', 'the server does not speak Git protocol version 2');
      }
      version = true;
      continue;
    }
    const [key = '', value] = splitOnce(line, '=');
    if (key === 'ls-refs') lsRefs = true;
    if (key === 'fetch') fetch = value?.split(' ') ?? [];
    if (key === 'object-format' && value !== 'sha1') {
      throw new FlotillaError(
        'git-protocol',
        `repository has object format ${value}; only sha1 is supported`,
      );
    }
  }
  if (!lsRefs || !fetch) throw new FlotillaError('git-protocol', 'the server offers no ls-refs or no fetch');
  return { filter: fetch.includes('filter'), shallow: fetch.includes('shallow') };
}

/** Asks for the refs that start with one of the prefixes; none means all. */
export function writeLsRefsRequest(prefixes: readonly string[], agent: string): Buffer {
  return writeCommand(
    'ls-refs',
    agent,
    prefixes.map((prefix) => `ref-prefix ${prefix}`),
  );
}

export async function parseLsRefsResponse(pkts: AsyncIterable<Pkt>): Promise<Ref[]> {
  const refs: Ref[] = [];
  for await (const pkt of pkts) {
    if (pkt.kind !== 'data') return refs;
    const line = pktText(pkt.payload);
    throwIfError(line);
    const [oid, name] = line.split(' ');
    if (oid === 'unborn') continue;
    if (!oid || !isOid(oid) || !name) throw unexpected('a line of refs', line);
    refs.push({ name, oid });
    if (refs.length > MAX_REFS) throw new FlotillaError('git-too-large', `more than ${MAX_REFS} refs`);
  }
  throw cutOff();
}

export function writeFetchRequest(request: FetchRequest, agent: string): Buffer {
  return writeCommand('fetch', agent, [
    'no-progress',
    'ofs-delta',
    ...request.wants.map((oid) => `want ${oid}`),
    ...(request.haves ?? []).map((oid) => `have ${oid}`),
    ...(request.shallows ?? []).map((oid) => `shallow ${oid}`),
    ...(request.deepen === undefined ? [] : [`deepen ${request.deepen}`]),
    ...(request.filter === undefined ? [] : [`filter ${request.filter}`]),
    'done',
  ]);
}

/** Reads the answer to a fetch that said `done`: shallow-info where history was cut, then the packfile. */
export async function parseFetchResponse(pkts: AsyncIterable<Pkt>): Promise<FetchResponse> {
  const shallow: string[] = [];
  const unshallow: string[] = [];
  const pack: Buffer[] = [];
  let section = '';
  for await (const pkt of pkts) {
    if (pkt.kind === 'delim') {
      section = '';
    } else if (pkt.kind !== 'data') {
      if (section !== 'packfile') throw unexpected('the end', 'no packfile');
      return { shallow, unshallow, pack: Buffer.concat(pack) };
    } else if (section === 'packfile') {
      const data = demultiplex(pkt.payload);
      if (data) pack.push(data);
    } else {
      const line = pktText(pkt.payload);
      throwIfError(line);
      if (section === '') section = line;
      else if (section === 'shallow-info') {
        const [word, oid] = splitOnce(line, ' ');
        if (!oid || !isOid(oid) || (word !== 'shallow' && word !== 'unshallow'))
          throw unexpected('a line', line);
        (word === 'shallow' ? shallow : unshallow).push(oid);
      }
      if (section !== 'packfile' && section !== 'shallow-info') throw unexpected('a section', line);
    }
  }
  throw cutOff();
}

/** Side band: 1 is data, 2 progress (dropped), 3 the error that ended the transfer. */
function demultiplex(payload: Buffer): Buffer | undefined {
  const band = payload[0];
  if (band === 1) return payload.subarray(1);
  if (band === 2) return undefined;
  if (band === 3) throw serverSays(pktText(payload.subarray(1)));
  throw unexpected('a side band', String(band));
}

function writeCommand(command: string, agent: string, args: readonly string[]): Buffer {
  const lines = [`command=${command}\n`, `agent=${agent}\n`, 'object-format=sha1\n'].map(writePkt);
  return Buffer.concat([...lines, DELIM, ...args.map((arg) => writePkt(`${arg}\n`)), FLUSH]);
}

function throwIfError(line: string): void {
  if (line.startsWith('ERR ')) throw serverSays(line.slice(4));
}

/** The words of git upload-pack, and those of JGit, for an object that is not there. */
const NOT_THERE = /not our ref ([0-9a-f]{40})|want ([0-9a-f]{40}) not valid/;

function serverSays(text: string): FlotillaError {
  const oid = NOT_THERE.exec(text);
  if (oid) return new ObjectNotOnServer(oid[1] ?? oid[2]!);
  return new FlotillaError('git-protocol', `the server says: ${quote(text)}`);
}

/** `git-object-missing` that names the object, so that a batch can go on without it. */
export class ObjectNotOnServer extends FlotillaError {
  readonly oid: string;
  constructor(oid: string) {
    super('git-object-missing', `object ${oid} is not on the server, or the server does not hand it out`);
    this.oid = oid;
  }
}

function unexpected(what: string, found: string): FlotillaError {
  return new FlotillaError('git-protocol', `answer has ${what} that does not belong there: ${quote(found)}`);
}

function cutOff(): FlotillaError {
  return new FlotillaError('git-protocol', 'answer ends too early');
}

function quote(text: string): string {
  return JSON.stringify(clip(text.trim(), 200));
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
