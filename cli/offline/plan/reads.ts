import { z } from 'zod';
import type { TreeChange } from '#git/tree.ts';
import { isOwn, type Shape } from './shape.ts';

const table = z.strictObject({
  tree: z.string().regex(/^[0-9a-f]{40}$/),
  shapes: z.array(
    z.strictObject({
      files: z.array(z.string()),
      watch: z.array(z.string()),
      overlays: z.array(z.string()),
    }),
  ),
});

/** Files that changed of what an overlay reads: some of them, and how many there are. */
export type Touched = { readonly some: string[]; count: number };
const MOST_NAMED = 3;

/**
 * Which overlays read which files, at one tree: the index that leads from what a commit changes to the overlays that it can affect.
 * It holds no hash, so that it stays true for as long as the files of the tree do, whatever renders them.
 */
export class Reads {
  readonly #shapes: Shape[] = [];
  readonly #numbers = new Map<string, number>();
  /** Overlay → number of its shape. */
  readonly #overlays = new Map<string, number>();

  has(overlay: string): boolean {
    return this.#overlays.has(overlay);
  }

  set(overlay: string, shape: Shape): void {
    this.#overlays.set(overlay, this.#numberOf(shape));
  }

  delete(overlay: string): void {
    this.#overlays.delete(overlay);
  }

  /** Overlays that read what changed, or look where something appeared. Others are as they were. */
  touchedBy(changes: readonly TreeChange[]): Map<string, Touched> {
    const touched = new Map<string, Touched>();
    const byShape = new Map<number, Touched>();
    const outside = this.#outside();
    for (const { path } of changes) {
      for (const number of outside.at(path)) note(byShape, number, path);
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        const overlay = path.slice(0, end);
        const number = this.#overlays.get(overlay);
        if (number !== undefined && readsOwn(this.#shapes[number]!, `.${path.slice(end)}`))
          note(touched, overlay, path);
      }
    }
    if (byShape.size > 0)
      for (const [overlay, number] of this.#overlays) {
        const shared = byShape.get(number);
        if (shared) touched.set(overlay, merged(shared, touched.get(overlay)));
      }
    return touched;
  }

  toJson(tree: string): string {
    const shapes = this.#shapes.map((shape) => ({ ...shape, overlays: [] as string[] }));
    for (const [overlay, number] of this.#overlays) shapes[number]!.overlays.push(overlay);
    return JSON.stringify({ tree, shapes: shapes.filter(({ overlays }) => overlays.length > 0) });
  }

  /** @throws z.ZodError, SyntaxError for what `toJson` did not write */
  static fromJson(text: string): { tree: string; reads: Reads } {
    const { tree, shapes } = table.parse(JSON.parse(text));
    const reads = new Reads();
    for (const { overlays, ...shape } of shapes) {
      const number = reads.#numberOf(shape);
      for (const overlay of overlays) reads.#overlays.set(overlay, number);
    }
    return { tree, reads };
  }

  #numberOf(shape: Shape): number {
    const key = JSON.stringify([shape.files, shape.watch]);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#shapes.push(shape) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  /** From a path to the numbers of the shapes that read it, or look there, outside of their overlays. */
  #outside(): { at(path: string): ReadonlySet<number> } {
    const files = new Map<string, number[]>();
    const watched = new Map<string, number[]>();
    const put = (into: Map<string, number[]>, path: string, number: number) => {
      const numbers = into.get(path);
      if (numbers) numbers.push(number);
      else into.set(path, [number]);
    };
    for (const [number, shape] of this.#shapes.entries()) {
      for (const path of shape.files) if (!isOwn(path)) put(files, path, number);
      for (const path of shape.watch) if (!isOwn(path)) put(watched, path, number);
    }
    return {
      at(path) {
        const found = new Set(files.get(path));
        for (const number of watched.get('') ?? []) found.add(number);
        for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
          for (const number of watched.get(path.slice(0, end)) ?? []) found.add(number);
        return found;
      },
    };
  }
}

function note<Key>(into: Map<Key, Touched>, key: Key, file: string): void {
  let known = into.get(key);
  if (!known) {
    known = { some: [], count: 0 };
    into.set(key, known);
  }
  if (known.count++ < MOST_NAMED) known.some.push(file);
}

function readsOwn({ files, watch }: Shape, path: string): boolean {
  return (
    files.includes(path) ||
    watch.some((place) => place === '.' || path === place || path.startsWith(`${place}/`))
  );
}

function merged(one: Touched, other: Touched | undefined): Touched {
  return other
    ? { some: [...one.some, ...other.some].slice(0, MOST_NAMED), count: one.count + other.count }
    : one;
}
