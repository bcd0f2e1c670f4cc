import { posix } from 'node:path';
import { RecentlyUsed } from '../closure/recently-used.ts';
import type { TransformerConfig } from './config/config.ts';
import type { Resource } from './resource.ts';
import type { Var } from './transformers/vars.ts';

/** What a base gives to who names it. The resources are the taker's own; their values are shared and never change. */
export type SharedBase = {
  readonly resources: readonly Resource[];
  readonly config: TransformerConfig;
  readonly vars: readonly Var[];
};

/** Part of the key of what was rendered, and of no digest: another engine does not roll the fleet. */
const ENGINE_VERSION = 2;

/** Bases that were gathered, by the Merkle node of their directory: equal node, equal objects. Bounded by objects. */
export class BaseCache {
  readonly #bases: RecentlyUsed<SharedBase>;

  constructor(objects = 50_000) {
    this.#bases = new RecentlyUsed(objects, ({ resources }) => resources.length + 1);
  }

  take(node: string, directory: string): SharedBase | undefined {
    const base = this.#bases.get(keyOf(node));
    return base && withCopies(base, (file) => posix.join(directory, file));
  }

  /** Equal nodes stand in different directories: files are kept as seen from there. */
  keep(node: string, base: SharedBase, directory: string): void {
    this.#bases.set(
      keyOf(node),
      withCopies(base, (file) => posix.relative(directory, file)),
    );
  }
}

const keyOf = (node: string) => `${ENGINE_VERSION} ${node}`;

function withCopies(base: SharedBase, place: (file: string) => string): SharedBase {
  const resources = base.resources.map((resource) => {
    const copy = resource.copy();
    copy.file = copy.file && place(copy.file);
    return copy;
  });
  return { ...base, resources };
}
