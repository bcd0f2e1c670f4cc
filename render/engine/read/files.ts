import { isWithin, joinPath } from '../../closure/resolve.ts';
import type { ClosureFile } from '../../closure.ts';
import { EngineFault } from '../fault.ts';

/** The names that kustomize looks for, exactly one of which a directory has. */
const KUSTOMIZATIONS = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
/** As many as Linux follows. */
const MAX_LINKS = 40;

export type FoundFile = { readonly what: 'file'; readonly path: string; readonly file: ClosureFile };
export type FoundDirectory = { readonly what: 'directory'; readonly path: string };

/** The files of a closure as a tree: looked up by the text of references, symlinks followed. */
export class Files {
  readonly #files: ReadonlyMap<string, ClosureFile>;
  readonly #directories = new Set<string>(['']);

  constructor(files: ReadonlyMap<string, ClosureFile>) {
    this.#files = files;
    for (const path of files.keys()) {
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        const directory = path.slice(0, end);
        if (this.#directories.has(directory)) break;
        this.#directories.add(directory);
      }
    }
  }

  /** What a reference in a directory leads to. @throws EngineFault when it leads to nothing */
  find(directory: string, text: string): FoundFile | FoundDirectory {
    const path = joinPath(directory, text);
    const found = path === undefined ? undefined : this.#resolve(path);
    if (!found) throw new EngineFault(`${text} does not exist`);
    return found;
  }

  /** A file at or below a directory. @throws EngineFault when there is none */
  read(directory: string, text: string): FoundFile {
    const found = this.find(directory, text);
    if (found.what !== 'file') throw new EngineFault(`${text} is a directory; a file is expected`);
    if (!isWithin(directory, found.path))
      throw new EngineFault(
        `${text} lies outside of ${directory}; files stand at or below the kustomization`,
      );
    return found;
  }

  /** The kustomization of a directory. @throws EngineFault when there is none, or more than one */
  kustomization(directory: string): FoundFile {
    const found = KUSTOMIZATIONS.map((name) => this.#resolve(joinPath(directory, name)!)).filter(
      (one): one is FoundFile => one?.what === 'file',
    );
    const [first, second] = found;
    const place = directory === '' ? 'the root of the repository' : directory;
    if (!first) throw new EngineFault(`${place} has no ${KUSTOMIZATIONS.join(', ')}`);
    if (second)
      throw new EngineFault(
        `${place} has several kustomizations: ${found.map(({ path }) => path).join(', ')}`,
      );
    return first;
  }

  #resolve(path: string): FoundFile | FoundDirectory | undefined {
    const todo = path.split('/').filter(Boolean);
    const above: string[] = [];
    let links = 0;
    while (todo.length > 0) {
      const name = todo.shift()!;
      if (name === '.' || name === '') continue;
      if (name === '..') {
        if (above.pop() === undefined) return undefined;
        continue;
      }
      const at = [...above, name].join('/');
      const file = this.#files.get(at);
      if (file?.mode === 'symlink') {
        if (++links > MAX_LINKS) return undefined;
        todo.unshift(...Buffer.from(file.bytes).toString('utf8').split('/'));
      } else if (file) return todo.length === 0 ? { what: 'file', path: at, file } : undefined;
      else if (this.#directories.has(at)) above.push(name);
      else return undefined;
    }
    return { what: 'directory', path: above.join('/') };
  }
}
