import type { Logger } from 'pino';
import { FlotillaError } from '#proto/faults.ts';
import { isRecord, type KubeObject, textAt } from '../core/object.ts';
import { isConflict } from '../kube/errors.ts';
import { type OwnObjects, STATE_LABEL } from './api.ts';
import { type BundleRef, decodeBundle, encodeBundle, type Rendered } from './bundle.ts';
import {
  type AcceptedRecord,
  type PlacementRecord,
  readAccepted,
  readPlacement,
  type VersionRecord,
} from './records.ts';
import { type Change, type ShelfPlan, Shelves } from './shelves.ts';

export type SaveHow = {
  /** For what a restart can find out again: it is written soon, together with what others have to say. */
  later?: boolean;
  /** Small bundles, by their key. */
  inline?: Change;
};

export type LoadedState = { accepted: AcceptedRecord; placements: PlacementRecord[] };

const ACCEPTED = 'flotilla-accepted';
const RECORD = 'record.';
const recordKey = (placement: string) => `${RECORD}${placement}`;
const chunkOf = (placement: string, ref: BundleRef, index: number) =>
  `flotilla-objects-${placement}-${ref.key}-${index}`;
const inlineKey = (placement: string, ref: BundleRef) => `objects.${ref.key}.${placement}`;
const SHELVES: ShelfPlan = {
  kind: 'Secret',
  field: 'data',
  nameOf: (number) => `flotilla-placements-${number}`,
  labelsOf: () => ({ [STATE_LABEL]: 'placement' }),
  content: { type: 'flotilla.dev/state' },
};
const base64 = (data: string | Buffer) => Buffer.from(data).toString('base64');

/**
 * The agent's memory in Secrets of its namespace: `flotilla-accepted` (envelope, tip, hub keys), `flotilla-placements-N` (of several
 * placements each: `record.NAME` and small bundles as `objects.KEY.NAME`) and `flotilla-objects-NAME-KEY-N` (chunks of large ones).
 * Labelled `flotilla.dev/state: accepted | placement | objects`. A bundle is written with or before the record that names it and
 * removed with or after the record that no longer does, so that a crash leaves at worst chunks that nobody names; `sweep` removes them.
 */
export class StateStore {
  readonly #objects: OwnObjects;
  readonly #shelves: Shelves;
  readonly #log: Logger;
  /** Inline bundles as loaded, until nothing names them: a start needs each of them. */
  readonly #loaded = new Map<string, Buffer>();

  constructor(objects: OwnObjects, log: Logger) {
    this.#objects = objects;
    this.#shelves = new Shelves(objects, SHELVES);
    this.#log = log;
  }

  /** Everything but large bundles. What cannot be read is left out with a word to the log: Git and hub tell it again. */
  async load(signal: AbortSignal): Promise<LoadedState> {
    let accepted: AcceptedRecord = { v: 1 };
    const placements: PlacementRecord[] = [];
    for await (const secret of this.#objects.labelled(
      'Secret',
      `${STATE_LABEL} in (accepted,placement)`,
      signal,
    )) {
      const { name } = secret.metadata;
      if (name === ACCEPTED) {
        accepted = this.#read(secret, 'record', readAccepted) ?? accepted;
        continue;
      }
      const keys = Object.keys(isRecord(secret.data) ? secret.data : {});
      const members = keys.filter((key) => key.startsWith(RECORD)).map((key) => key.slice(RECORD.length));
      this.#shelves.register(secret, members);
      for (const member of members) {
        const record = this.#read(secret, recordKey(member), readPlacement);
        if (!record) continue;
        placements.push(record);
        for (const ref of refsOf(record).filter(({ chunks }) => chunks === 0)) {
          const bytes = dataOf(secret, inlineKey(member, ref));
          if (bytes) this.#loaded.set(inlineKey(member, ref), bytes);
        }
      }
    }
    return { accepted, placements };
  }

  #read<T>(secret: KubeObject, key: string, read: (text: string) => T): T | undefined {
    try {
      return read(dataOf(secret, key)?.toString('utf8') ?? '');
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error;
      this.#log.error({ code: error.code, secret: secret.metadata.name, key }, error.message);
      return undefined;
    }
  }

  async saveAccepted(record: AcceptedRecord, signal: AbortSignal): Promise<void> {
    const content = { type: 'flotilla.dev/state', data: { record: base64(JSON.stringify(record)) } };
    await this.#objects.upsert('Secret', ACCEPTED, content, { [STATE_LABEL]: 'accepted' }, signal);
  }

  /** Writes the bundle of a version that is about to be applied and says how to refer to it. */
  async saveTarget(
    before: PlacementRecord,
    target: Omit<VersionRecord, 'bundle'>,
    rendered: Rendered,
    signal: AbortSignal,
  ): Promise<PlacementRecord> {
    const { ref, chunks } = encodeBundle(rendered);
    const inline: Record<string, string> = {};
    if (ref.chunks === 0) inline[inlineKey(before.placement, ref)] = base64(chunks[0]!);
    else await this.#saveChunks(before.placement, ref, chunks, signal);
    const after: PlacementRecord = { ...before, target: { ...target, bundle: ref } };
    await this.savePlacement(before, after, signal, { inline });
    return after;
  }

  /** Saves a record and lets go of the bundles that only `before` named. */
  async savePlacement(
    before: PlacementRecord,
    after: PlacementRecord,
    signal: AbortSignal,
    { later = false, inline }: SaveHow = {},
  ): Promise<void> {
    const { dropped, change } = changeOf(before, after);
    for (const key of Object.keys(change)) this.#loaded.delete(key);
    // Chunks go after the record that names them has gone.
    if (later && dropped.every(({ chunks }) => chunks === 0))
      return this.#shelves.putLater(after.placement, change, signal);
    await this.#shelves.put(after.placement, { ...change, ...inline }, signal);
    for (const ref of dropped) await this.#dropChunks(after.placement, ref, signal);
  }

  /** Writes now what was to be written soon. @throws KubeError */
  flush(signal: AbortSignal): Promise<void> {
    return this.#shelves.flush(signal);
  }

  /** @throws FlotillaError state-unreadable; KubeError when the API server cannot be asked */
  async bundle(placement: string, ref: BundleRef, signal: AbortSignal): Promise<Rendered> {
    if (ref.chunks === 0) return decodeBundle(ref, [await this.#inline(placement, ref, signal)]);
    const chunks: Buffer[] = [];
    for (let index = 0; index < ref.chunks; index++) {
      const chunk = await this.#objects.get('Secret', chunkOf(placement, ref, index), signal);
      chunks.push((chunk && dataOf(chunk, 'chunk')) ?? Buffer.alloc(0));
    }
    return decodeBundle(ref, chunks);
  }

  async #inline(placement: string, ref: BundleRef, signal: AbortSignal): Promise<Buffer> {
    const key = inlineKey(placement, ref);
    const loaded = this.#loaded.get(key);
    const name = this.#shelves.nameOf(placement);
    if (loaded || name === undefined) return loaded ?? Buffer.alloc(0);
    const secret = await this.#objects.get('Secret', name, signal);
    return (secret && dataOf(secret, key)) ?? Buffer.alloc(0);
  }

  /** Removes chunks that no record names: a crash left them. */
  async sweep(records: readonly PlacementRecord[], signal: AbortSignal): Promise<void> {
    const named = new Set(
      records.flatMap((record) =>
        refsOf(record).flatMap((ref) =>
          Array.from({ length: ref.chunks }, (_, index) => chunkOf(record.placement, ref, index)),
        ),
      ),
    );
    const chunks = this.#objects.labelled('Secret', `${STATE_LABEL}=objects`, signal, { metadataOnly: true });
    for await (const { metadata } of chunks)
      if (!named.has(metadata.name)) await this.#objects.delete('Secret', metadata.name, signal);
  }

  /** A placement that is gone leaves nothing behind. */
  async forget(record: PlacementRecord, signal: AbortSignal): Promise<void> {
    for (const ref of refsOf(record)) await this.#dropChunks(record.placement, ref, signal);
    const inline = refsOf(record).map((ref) => inlineKey(record.placement, ref));
    await this.#shelves.take(record.placement, [recordKey(record.placement), ...inline], signal);
  }

  async #saveChunks(
    placement: string,
    ref: BundleRef,
    chunks: readonly Buffer[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const [index, chunk] of chunks.entries()) {
      const content = { type: 'flotilla.dev/state', immutable: true, data: { chunk: base64(chunk) } };
      const labels = { [STATE_LABEL]: 'objects', 'flotilla.dev/objects-of': placement };
      try {
        await this.#objects.create('Secret', chunkOf(placement, ref, index), content, labels, signal);
      } catch (error) {
        // The name is a hash of the content: what exists is what was to be written.
        if (!isConflict(error)) throw error;
      }
    }
  }

  async #dropChunks(placement: string, ref: BundleRef, signal: AbortSignal): Promise<void> {
    for (let index = 0; index < ref.chunks; index++)
      await this.#objects.delete('Secret', chunkOf(placement, ref, index), signal);
  }
}

/** What a record says anew, and the bundles that only the one before named. */
function changeOf(before: PlacementRecord, after: PlacementRecord): { dropped: BundleRef[]; change: Change } {
  const { placement } = after;
  const named = new Set(refsOf(after).map(({ key }) => key));
  const dropped = refsOf(before).filter(({ key }) => !named.has(key));
  const gone = dropped
    .filter(({ chunks }) => chunks === 0)
    .map((ref) => [inlineKey(placement, ref), null] as const);
  const change = { [recordKey(placement)]: base64(JSON.stringify(after)), ...Object.fromEntries(gone) };
  return { dropped, change };
}

function refsOf({ applied, target }: PlacementRecord): BundleRef[] {
  const refs = [applied?.bundle, target?.bundle].filter((ref) => ref !== undefined);
  return refs.filter((ref, index) => refs.findIndex(({ key }) => key === ref.key) === index);
}

function dataOf(secret: KubeObject, key: string): Buffer | undefined {
  const text = textAt(secret, 'data', key);
  return text === undefined || !isRecord(secret.data) ? undefined : Buffer.from(text, 'base64');
}
