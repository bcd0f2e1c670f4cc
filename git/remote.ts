import { FlotillaError } from '#proto/faults.ts';
import { GitHttp, type GitHttpOptions, type GitHttpStats } from './http.ts';
import { readPkts } from './pkt-line.ts';
import {
  type Capabilities,
  type FetchRequest,
  type FetchResponse,
  ObjectNotOnServer,
  parseCapabilities,
  parseFetchResponse,
  parseLsRefsResponse,
  writeFetchRequest,
  writeLsRefsRequest,
} from './protocol.ts';

export type GitRemoteOptions = GitHttpOptions & {
  /** The largest answer to one fetch; it is held in memory. */
  readonly maxPackBytes?: number;
};

const AGENT = 'git/flotilla';
const MAX_REFS_BYTES = 8_000_000;
const BRANCHES_SHOWN = 10;

/** A repository on a Git server over smart HTTP, protocol version 2. Every method may throw what `GitHttp` throws. */
export class GitRemote {
  readonly #http: GitHttp;
  readonly #maxPackBytes: number;
  #capabilities: Capabilities | undefined;

  constructor(options: GitRemoteOptions) {
    this.#http = new GitHttp(options);
    this.#maxPackBytes = options.maxPackBytes ?? 512 * 1024 * 1024;
  }

  /** The URL without credentials. */
  get display(): string {
    return this.#http.display;
  }

  get stats(): Readonly<GitHttpStats> {
    return this.#http.stats;
  }

  /** What the server can do; asked once. */
  async capabilities(signal: AbortSignal): Promise<Capabilities> {
    this.#capabilities ??= await this.#named(
      parseCapabilities(
        readPkts(
          this.#http.exchange(
            {
              path: '/info/refs?service=git-upload-pack',
              expect: 'application/x-git-upload-pack-advertisement',
              maxBytes: MAX_REFS_BYTES,
            },
            signal,
          ),
        ),
      ),
    );
    return this.#capabilities;
  }

  /** The commit at the head of a branch. Throws `git-branch-not-found` with the names of the branches there are. */
  async tip(branch: string, signal: AbortSignal): Promise<string> {
    if (!/^[^\s\p{Cc}~^:?*[\\]+$/u.test(branch) || branch.includes('..')) {
      throw new FlotillaError('git-branch-not-found', `${JSON.stringify(branch)} is not a name of a branch`);
    }
    const wanted = `refs/heads/${branch}`;
    const tip = (await this.#refs(wanted, signal)).find((ref) => ref.name === wanted);
    if (tip) return tip.oid;
    const names = (await this.#refs('refs/heads/', signal)).map((ref) =>
      ref.name.slice('refs/heads/'.length),
    );
    const shown = names.slice(0, BRANCHES_SHOWN).join(', ') + (names.length > BRANCHES_SHOWN ? ', …' : '');
    const has = names.length === 0 ? 'the repository has no branches' : `the server has: ${shown}`;
    throw new FlotillaError('git-branch-not-found', `${this.display}: branch not found: ${branch} (${has})`);
  }

  /** One fetch, as asked: whoever asks for a filter has looked at `capabilities`. The pack is not checked yet. */
  async fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
    await this.capabilities(signal);
    return this.#named(
      parseFetchResponse(this.#command(writeFetchRequest(request, AGENT), this.#maxPackBytes, signal)),
    );
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #refs(prefix: string, signal: AbortSignal) {
    await this.capabilities(signal);
    return this.#named(
      parseLsRefsResponse(this.#command(writeLsRefsRequest([prefix], AGENT), MAX_REFS_BYTES, signal)),
    );
  }

  #command(body: Buffer, maxBytes: number, signal: AbortSignal) {
    const request = {
      path: '/git-upload-pack',
      body,
      bodyType: 'application/x-git-upload-pack-request',
      expect: 'application/x-git-upload-pack-result',
      maxBytes,
    };
    return readPkts(this.#http.exchange(request, signal));
  }

  /** Puts the URL before messages of the protocol, and forgets the capabilities of a server that misbehaves. */
  async #named<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof FlotillaError) || error instanceof ObjectNotOnServer) throw error;
      this.#capabilities = undefined;
      if (error.message.startsWith(this.display)) throw error;
      throw new FlotillaError(error.code, `${this.display}: ${error.message}`, { cause: error });
    }
  }
}
