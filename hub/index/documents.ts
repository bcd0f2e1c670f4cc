import type { GitObjects } from '#git/objects.ts';
import { listFiles } from '#git/tree.ts';
import { assembleFleet } from '#proto/fleet-model.ts';
import type { Reading } from '../core/in-force.ts';

/** Where documents stand; everything else of a fleet repo is content. */
const ROOT_FILE = 'flotilla.yaml';
const FOLDERS = ['access', 'clusters', 'placements', 'rollouts', 'values'];
const REMEMBERED = 8;

/**
 * Reads the documents of revisions. A revision whose documents were read before costs one look at its root tree; of other
 * ones only the files that were not seen last time are read from Git.
 */
export class DocumentReader {
  readonly #objects: GitObjects;
  readonly #readings = new Map<string, Reading>();
  #texts: ReadonlyMap<string, string> = new Map();

  constructor(objects: GitObjects) {
    this.#objects = objects;
  }

  /** @throws FlotillaError git-object-missing, git-object-corrupt; never for what a document says */
  async read(tree: string, signal: AbortSignal): Promise<Reading> {
    const roots = (await this.#objects.readTree(tree, signal)).filter(
      ({ name, mode }) => (name === ROOT_FILE && isFile(mode)) || (FOLDERS.includes(name) && mode === 'tree'),
    );
    const key = roots.map(({ name, oid }) => `${name}:${oid}`).join(' ');
    const known = this.#readings.get(key);
    if (known) return known;
    const blobs = new Map<string, string>();
    for (const { name, mode, oid } of roots) {
      if (mode !== 'tree') blobs.set(name, oid);
      else
        for (const file of await listFiles(this.#objects, oid, name, signal))
          if (isFile(file.mode)) blobs.set(file.path, file.oid);
    }
    const texts = await this.#read(
      [...blobs].filter(([path]) => path.endsWith('.yaml')),
      signal,
    );
    const files = [...blobs].flatMap(([path, oid]) => {
      const text = texts.get(oid);
      return text === undefined ? [] : [[path, text] as const];
    });
    const reading = { model: assembleFleet(files), blobs };
    this.#texts = texts;
    this.#readings.set(key, reading);
    for (const oldest of this.#readings.keys()) {
      if (this.#readings.size <= REMEMBERED) break;
      this.#readings.delete(oldest);
    }
    return reading;
  }

  async #read(
    files: readonly (readonly [string, string])[],
    signal: AbortSignal,
  ): Promise<Map<string, string>> {
    const texts = new Map<string, string>();
    for (const [, oid] of files) {
      const text =
        this.#texts.get(oid) ?? new TextDecoder().decode(await this.#objects.readBlob(oid, signal));
      texts.set(oid, text);
    }
    return texts;
  }
}

const isFile = (mode: string) => mode === 'file' || mode === 'executable';
