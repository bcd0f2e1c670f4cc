import type { GitObjects } from '#git/objects.ts';
import { listFiles } from '#git/tree.ts';
import { kindAt } from '#proto/documents/kinds.ts';
import type { Sourced } from '#proto/documents/read.ts';
import type { SharedValues } from '#proto/documents/values.ts';
import { assembleFleet } from '#proto/fleet-model.ts';
import type { Problem } from '#proto/problems.ts';

/** The Values documents of a revision: those that can be used, and what is wrong with the others. */
export type ValuesFound = {
  readonly valid: readonly Sourced<SharedValues>[];
  /** What stands in an invalid one concerns who knows which cluster. */
  readonly problems: readonly Problem[];
};

const NONE: ValuesFound = { valid: [], problems: [] };
const MOST_REMEMBERED = 20;
const MOST_FILES = 5_000;

/**
 * Reads `values/**`, judged by the code that judges them for the hub, but with nothing else of the repository at hand: whether a
 * document contradicts another kind is no matter here, because resolving an assignment tells it where it does.
 */
export class ValuesReader {
  readonly #objects: GitObjects;
  /** By object id of the folder. */
  readonly #read = new Map<string, ValuesFound>();

  constructor(objects: GitObjects) {
    this.#objects = objects;
  }

  /** @throws FlotillaError git-too-large beyond 5,000 files; what Git throws; never for what a document says */
  async at(root: string, signal: AbortSignal): Promise<ValuesFound> {
    const folder = (await this.#objects.readTree(root, signal)).find(({ name }) => name === 'values');
    if (folder?.mode !== 'tree') return NONE;
    const known = this.#read.get(folder.oid);
    if (known) return known;
    const found = await this.#readFolder(folder.oid, signal);
    if (this.#read.size >= MOST_REMEMBERED) this.#read.clear();
    this.#read.set(folder.oid, found);
    return found;
  }

  async #readFolder(oid: string, signal: AbortSignal): Promise<ValuesFound> {
    const all = await listFiles(this.#objects, oid, 'values', signal, { maxEntries: MOST_FILES });
    const files = all.filter(
      ({ path, mode }) => (mode === 'file' || mode === 'executable') && kindAt(path) !== undefined,
    );
    await this.#objects.prefetch(
      files.map((file) => file.oid),
      signal,
    );
    const texts: [path: string, text: string][] = [];
    for (const file of files) {
      texts.push([file.path, new TextDecoder().decode(await this.#objects.readBlob(file.oid, signal))]);
    }
    const { values, invalid, problems } = assembleFleet(texts);
    const wrong = problems.filter(
      ({ severity, source }) => severity === 'error' && kindAt(source.file) === 'Values',
    );
    return { valid: [...values.values()], problems: invalid.values.size > 0 ? wrong : [] };
  }
}
