import { decodeText } from '../../closure/kustomization.ts';
import { RecentlyUsed } from '../../closure/recently-used.ts';
import type { ClosureFile } from '../../closure.ts';
import { type Json, type Position, readYaml, YamlFault } from '../../yaml/read.ts';
import { EngineFault, type Place } from '../fault.ts';
import type { JsonMap } from '../json.ts';
import type { FoundFile } from './files.ts';
import { type Kustomization, readKustomization } from './kustomization.ts';
import { readManifests } from './manifests.ts';

/** What came of reading a content: faults are kept as well, since content never changes. */
type Parsed<Value> = { readonly value: Value } | { readonly fault: EngineFault };

const KEPT_BYTES = 64 << 20;

/**
 * Contents that were parsed, shared by everything that is rendered: by the id of their blob, or where none is known by the
 * bytes themselves. Bounded by the size of what was read.
 */
export class Documents {
  readonly #byId: RecentlyUsed<{ bytes: number; parsed: Parsed<unknown> }>;
  readonly #byBytes = new WeakMap<Uint8Array, Map<string, Parsed<unknown>>>();

  constructor(bytes = KEPT_BYTES) {
    this.#byId = new RecentlyUsed(bytes, (one) => one.bytes + 1_000);
  }

  kustomization(file: FoundFile): Kustomization {
    return this.#parsed('kustomization', file, (text) => {
      const [document] = readYaml(text, KUSTOMIZATION_LIMITS);
      return readKustomization(document?.value ?? {});
    });
  }

  /** The objects of a file. */
  manifests(file: FoundFile): readonly JsonMap[] {
    return this.#parsed('manifests', file, readManifests);
  }

  /** The first document of a file of configuration. */
  document(file: FoundFile): Json {
    return this.#parsed('document', file, (text) => readYaml(text, { old: true })[0]?.value ?? null);
  }

  /** What a reader of text makes of a file; `as` names the reader. */
  read<Value>(as: string, file: FoundFile, reader: (text: string) => Value): Value {
    return this.#parsed(as, file, reader);
  }

  /** A fault with its place in a file, unless it has one. */
  placed(fault: EngineFault, file: FoundFile): EngineFault {
    return fault.placed(positionIn(file, fault));
  }

  #parsed<Value>(as: string, { path, file }: FoundFile, reader: (text: string) => Value): Value {
    let parsed = this.#known(as, file) as Parsed<Value> | undefined;
    if (!parsed) {
      parsed = attempt(file.bytes, reader);
      this.#keep(as, file, parsed);
    }
    if (!('fault' in parsed)) return parsed.value;
    const { fault } = parsed;
    throw fault.placed(positionIn({ what: 'file', path, file }, fault));
  }

  #known(as: string, file: ClosureFile): Parsed<unknown> | undefined {
    return file.oid === undefined
      ? this.#byBytes.get(file.bytes)?.get(as)
      : this.#byId.get(`${as} ${file.oid}`)?.parsed;
  }

  #keep(as: string, file: ClosureFile, parsed: Parsed<unknown>): void {
    if (file.oid !== undefined) {
      this.#byId.set(`${as} ${file.oid}`, { bytes: file.bytes.length, parsed });
      return;
    }
    const kept = this.#byBytes.get(file.bytes) ?? new Map<string, Parsed<unknown>>();
    kept.set(as, parsed);
    this.#byBytes.set(file.bytes, kept);
  }
}

const KUSTOMIZATION_LIMITS = { bytes: 1 << 20, nodes: 100_000, depth: 100, lastKeyWins: true, old: true };

function attempt<Value>(bytes: Uint8Array, reader: (text: string) => Value): Parsed<Value> {
  try {
    return { value: reader(decodeText(bytes)) };
  } catch (cause) {
    if (cause instanceof EngineFault) return { fault: cause };
    if (!(cause instanceof YamlFault)) throw cause;
    return { fault: new EngineFault(cause.message, undefined, { cause }) };
  }
}

/** Where a fault stands in a file. Only now the file is read again for its lines: the syntax tree is not kept. */
function positionIn({ path, file }: FoundFile, fault: EngineFault): Place {
  if (fault.cause instanceof YamlFault) return { file: path, ...fault.cause.at };
  return { file: path, ...(fault.path && locate(file.bytes, fault.path)) };
}

/** Line and column of a value of the first document; undefined where the text cannot be read. */
export function locate(bytes: Uint8Array, path: readonly (string | number)[]): Position | undefined {
  try {
    return readYaml(decodeText(bytes), KUSTOMIZATION_LIMITS)[0]?.locate(path);
  } catch (error) {
    if (error instanceof YamlFault) return undefined;
    throw error;
  }
}
