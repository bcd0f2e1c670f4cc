import type { RawObject } from './objects.ts';

/** Inflated objects, bounded in bytes, least recently used leave first. It holds the bases of deltas for the next one. */
export class ObjectCache {
  readonly #maxBytes: number;
  readonly #objects = new Map<string | number, RawObject>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string | number): RawObject | undefined {
    const object = this.#objects.get(key);
    if (object) {
      this.#objects.delete(key);
      this.#objects.set(key, object);
    }
    return object;
  }

  /** An object larger than an eighth of the cache is not kept. */
  set(key: string | number, object: RawObject): void {
    if (object.data.length > this.#maxBytes / 8 || this.#objects.has(key)) return;
    this.#objects.set(key, object);
    this.#bytes += cost(object);
    for (const [oldest, { data }] of this.#objects) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#objects.delete(oldest);
      this.#bytes -= cost({ data });
    }
  }

  clear(): void {
    this.#objects.clear();
    this.#bytes = 0;
  }
}

/** The bytes, and about what a small Buffer and its place in the map cost besides. */
function cost(object: Pick<RawObject, 'data'>): number {
  return object.data.length + 200;
}
