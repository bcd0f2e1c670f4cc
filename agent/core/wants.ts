const NOTHING: ReadonlySet<string> = new Set();

/** What the placements of this agent are to have, as far as it knows, by placement and by object id. Of a retired placement: nothing. */
export class Wants {
  readonly #ids = new Map<string, ReadonlySet<string>>();
  readonly #placements = new Map<string, Set<string>>();

  /** Undefined where the placement is not known. */
  get(placement: string): ReadonlySet<string> | undefined {
    return this.#ids.get(placement);
  }

  of(placement: string): ReadonlySet<string> {
    return this.#ids.get(placement) ?? NOTHING;
  }

  /** Another placement that is to have the object; of several the one that said so first. */
  rival(placement: string, id: string): string | undefined {
    for (const name of this.#placements.get(id) ?? NOTHING) if (name !== placement) return name;
    return undefined;
  }

  set(placement: string, ids: ReadonlySet<string>): void {
    const before = this.of(placement);
    this.#ids.set(placement, ids);
    for (const id of before) if (!ids.has(id)) this.#release(placement, id);
    for (const id of ids) {
      const known = this.#placements.get(id);
      if (known) known.add(placement);
      else this.#placements.set(id, new Set([placement]));
    }
  }

  delete(placement: string): void {
    for (const id of this.of(placement)) this.#release(placement, id);
    this.#ids.delete(placement);
  }

  #release(placement: string, id: string): void {
    const known = this.#placements.get(id);
    known?.delete(placement);
    if (known?.size === 0) this.#placements.delete(id);
  }
}
