import { setImmediate } from 'node:timers/promises';
import { FlotillaError } from '#proto/faults.ts';
import { isOid } from './objects.ts';
import { parseCommit } from './parse.ts';
import { ObjectNotOnServer } from './protocol.ts';
import type { GitRemote } from './remote.ts';
import type { Repository } from './repository.ts';
import { RepositoryObjects } from './repository-objects.ts';

const MAX_BATCH = 2_000;
/** After so many objects of one batch that the server does not have, the rest is given up. */
const MAX_MISSING = 16;
const TREES_REMEMBERED = 8;

/**
 * Objects that are fetched when they are first read, each by its id and nothing besides: reading one file of a large
 * repository costs the trees on its path and the file. Reads that are asked for in one turn of the event loop, and ids
 * given to `prefetch`, travel in one request; readers of one object share one fetch; a fetch ends when nobody waits.
 *
 * A server without filters sends a tree with everything below it: then the first read of a root tree brings the whole
 * snapshot, and later ones name the trees already here, so that a server that understands sends the difference.
 */
export class SparseObjects extends RepositoryObjects {
  readonly #remote: GitRemote;
  readonly #underway = new Map<string, Batch>();
  #open: Batch | undefined;
  /** Trees that were fetched with everything below them, newest last. */
  #whole: string[] = [];

  constructor(remote: GitRemote, repository: Repository) {
    super(repository);
    this.#remote = remote;
  }

  protected override async ensure(oids: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const joined = new Map<string, Batch>();
    for (const oid of oids) if (!this.repository.has(oid)) joined.set(oid, this.#join(oid));
    await Promise.all([...new Set(joined.values())].map((batch) => batch.wait(signal)));
    for (const [oid, batch] of joined) {
      const failure = batch.failures.get(oid);
      if (failure) throw failure;
    }
  }

  #join(oid: string): Batch {
    if (!isOid(oid))
      throw new FlotillaError('git-object-missing', `${JSON.stringify(oid)} is not an object id`);
    const underway = this.#underway.get(oid);
    if (underway && !underway.signal.aborted) return underway;
    if (!this.#open || this.#open.oids.size >= MAX_BATCH || this.#open.signal.aborted) {
      const batch = new Batch((started) => this.#run(started));
      this.#open = batch;
    }
    this.#open.oids.add(oid);
    this.#underway.set(oid, this.#open);
    return this.#open;
  }

  async #run(batch: Batch): Promise<void> {
    await setImmediate();
    if (this.#open === batch) this.#open = undefined;
    try {
      const rest = new Set(batch.oids);
      while (rest.size > 0) {
        batch.signal.throwIfAborted();
        try {
          await this.#fetch([...rest], batch);
          return;
        } catch (error) {
          if (!(error instanceof ObjectNotOnServer) || !rest.delete(error.oid)) throw error;
          if (batch.failures.size >= MAX_MISSING) throw error;
          batch.failures.set(error.oid, error);
        }
      }
    } finally {
      for (const oid of batch.oids) if (this.#underway.get(oid) === batch) this.#underway.delete(oid);
    }
  }

  /**
   * Asks until nothing more comes. The second request is rare: Git passes over a tree or blob that is wanted beside
   * the commit or tree that holds it (list-objects.c marks it as not asked for), and a server without filters may
   * leave out what it believes to be below a tree named as here.
   */
  async #fetch(oids: readonly string[], batch: Batch): Promise<void> {
    const { signal } = batch;
    const { filter, shallow } = await this.#remote.capabilities(signal);
    const options = { ...(filter && { filter: 'tree:0' as const }), ...(shallow && { deepen: 1 }) };
    const whole = filter ? [] : this.#whole.filter((tree) => this.repository.has(tree));
    let haves = whole;
    let wants = oids;
    for (;;) {
      const { pack } = await this.#remote.fetch({ wants, haves, ...options }, signal);
      await this.repository.addPack(pack, { replace: this.repository.full }, signal);
      const absent = wants.filter((oid) => !this.repository.has(oid));
      const inVain = absent.length === wants.length && haves.length === 0;
      wants = absent;
      haves = [];
      if (absent.length === 0 || inVain) break;
    }
    if (!filter)
      this.#whole = [...whole, ...oids.flatMap((oid) => this.#treeOf(oid))].slice(-TREES_REMEMBERED);
    for (const oid of wants) {
      const text = `object ${oid} was asked for and is not in the answer`;
      batch.failures.set(oid, new FlotillaError('git-object-missing', `${this.#remote.display}: ${text}`));
    }
  }

  #treeOf(oid: string): string[] {
    const object = this.repository.read(oid);
    if (object?.type === 'commit') return [parseCommit(oid, object.data).tree];
    return object?.type === 'tree' ? [oid] : [];
  }
}

/** Ids that travel together, and who waits for them. */
class Batch {
  readonly oids = new Set<string>();
  /** Why single objects did not come, while the others did. */
  readonly failures = new Map<string, FlotillaError>();
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;
  #waiting = 0;

  constructor(run: (batch: Batch) => Promise<void>) {
    this.#done = run(this);
    this.#done.catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Until the batch has arrived; the last one to lose patience ends it. */
  async wait(signal: AbortSignal): Promise<void> {
    this.#waiting++;
    const { promise: impatience, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await Promise.race([this.#done, impatience]);
    } finally {
      signal.removeEventListener('abort', giveUp);
      if (--this.#waiting === 0) this.#controller.abort();
    }
  }
}
