import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { FlotillaError } from '#proto/faults.ts';
import { isOid, type ObjectType, type RawObject } from '../objects.ts';
import { type Environment, noGit } from './program.ts';

type Request = {
  readonly oid: string;
  resolve(object: RawObject | undefined): void;
  reject(error: unknown): void;
};
const MAX_OBJECT_BYTES = 128 * 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * One `git cat-file --batch` that answers in order. Requests made in one turn travel together, so that ten thousand objects cost
 * one process and no waiting in between. Whoever opened it closes it.
 */
export class ObjectPipe {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: Request[] = [];
  #next = 0;
  #unsent: string[] = [];
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes without which nothing more can be read. */
  #needed = 1;
  #failure: unknown;
  #errors = '';
  readonly #ended: Promise<void>;

  constructor(cwd: string, env: Environment) {
    this.#child = spawn('git', ['cat-file', '--batch'], { cwd, env: { ...env } });
    this.#child.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (this.#errors.length < 2_000) this.#errors += text;
    });
    // A write to a process that has ended; 'close' says why it did.
    this.#child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (cause) => {
        this.#fail(noGit(cause));
        resolve();
      });
      this.#child.once('close', () => {
        const why = this.#errors.trim().split('\n')[0] || 'git cat-file has ended';
        this.#fail(new FlotillaError('git-local-failed', `objects of the repository: ${why}`));
        resolve();
      });
    });
  }

  /** An object, not checked against its id; undefined where the repository does not have it. */
  read(oid: string): Promise<RawObject | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (!isOid(oid)) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ oid, resolve, reject });
      if (this.#unsent.push(oid) === 1) queueMicrotask(() => this.#send());
    });
  }

  /** Ends the process and everything that still waits. */
  async close(): Promise<void> {
    this.#fail(new FlotillaError('git-local-failed', 'objects of the repository: reading was ended'));
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #send(): void {
    const lines = this.#unsent.map((oid) => `${oid}\n`).join('');
    this.#unsent = [];
    if (this.#failure === undefined) this.#child.stdin.write(lines);
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed || this.#failure !== undefined) return;
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    let at = 0;
    this.#needed = 0;
    while (this.#failure === undefined) {
      const line = all.indexOf(LINE_FEED, at);
      if (line < 0) break;
      const [oid, type, length] = all.toString('latin1', at, line).split(' ');
      if (type === 'missing') {
        this.#answer(oid, undefined);
        at = line + 1;
        continue;
      }
      const size = Number(length);
      if (!Number.isSafeInteger(size) || size > MAX_OBJECT_BYTES) {
        this.#fail(
          new FlotillaError('git-too-large', `object ${oid} has ${length} bytes, which is too large`),
        );
        this.#child.kill('SIGKILL');
        return;
      }
      const end = line + 1 + size;
      if (all.length < end + 1) {
        this.#needed = end + 1 - at;
        break;
      }
      // A copy: a small object must not keep a whole chunk of the pipe alive.
      this.#answer(oid, { type: type as ObjectType, data: Buffer.from(all.subarray(line + 1, end)) });
      at = end + 1;
    }
    this.#chunks = at < all.length ? [all.subarray(at)] : [];
    this.#bytes = all.length - at;
    this.#needed = Math.max(this.#needed, this.#bytes + 1);
  }

  #answer(oid: string | undefined, object: RawObject | undefined): void {
    const request = this.#waiting[this.#next++];
    if (this.#next > 1_000) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    if (request?.oid === oid) request?.resolve(object);
    else this.#fail(new FlotillaError('git-local-failed', 'git cat-file answers out of order'));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0).slice(this.#next)) reject(this.#failure);
    this.#next = 0;
  }
}
