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

export type LoadedState = { accepted: AcceptedRecord; placements: PlacementRecord[] };

const ACCEPTED = 'flotilla-accepted';
const secretOf = (placement: string) => `flotilla-placement-${placement}`;
const chunkOf = (placement: string, ref: BundleRef, index: number) =>
  `flotilla-objects-${placement}-${ref.key}-${index}`;
const inlineKey = (ref: BundleRef) => `objects-${ref.key}`;
const base64 = (data: string | Buffer) => Buffer.from(data).toString('base64');

/**
 * The agent's memory in Secrets of its namespace: `flotilla-accepted` (envelope, tip, hub keys), `flotilla-placement-NAME` (record and
 * small bundles) and `flotilla-objects-NAME-KEY-N` (chunks of large ones). Labelled `flotilla.dev/state: accepted | placement |
 * objects`. A bundle is written before the record that names it and removed after the record that no longer does, so that a crash
 * leaves at worst chunks that nobody names; `sweep` removes them.
 */
export class StateStore {
  readonly #objects: OwnObjects;
  readonly #log: Logger;

  constructor(objects: OwnObjects, log: Logger) {
    this.#objects = objects;
    this.#log = log;
  }

  /** Everything but the bundles. What cannot be read is left out with a word to the log: Git and hub tell it again. */
  async load(signal: AbortSignal): Promise<LoadedState> {
    let accepted: AcceptedRecord = { v: 1 };
    const placements: PlacementRecord[] = [];
    for await (const secret of this.#objects.secrets(['accepted', 'placement'], signal)) {
      try {
        const text = dataOf(secret, 'record')?.toString('utf8') ?? '';
        if (secret.metadata.name === ACCEPTED) accepted = readAccepted(text);
        else placements.push(readPlacement(text));
      } catch (error) {
        if (!(error instanceof FlotillaError)) throw error;
        this.#log.error({ code: error.code, secret: secret.metadata.name }, error.message);
      }
    }
    return { accepted, placements };
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
    if (ref.chunks === 0) inline[inlineKey(ref)] = base64(chunks[0]!);
    else await this.#saveChunks(before.placement, ref, chunks, signal);
    const after: PlacementRecord = { ...before, target: { ...target, bundle: ref } };
    await this.savePlacement(before, after, signal, inline);
    return after;
  }

  /** Saves a record and lets go of the bundles that only `before` named. */
  async savePlacement(
    before: PlacementRecord,
    after: PlacementRecord,
    signal: AbortSignal,
    inline: Record<string, string> = {},
  ): Promise<void> {
    const named = new Set(refsOf(after).map(({ key }) => key));
    const dropped = refsOf(before).filter(({ key }) => !named.has(key));
    const gone = Object.fromEntries(
      dropped.filter(({ chunks }) => chunks === 0).map((ref) => [inlineKey(ref), null]),
    );
    const data = { record: base64(JSON.stringify(after)), ...inline, ...gone };
    const content = { type: 'flotilla.dev/state', data };
    const name = secretOf(after.placement);
    const isNew = !before.applied && !before.target && !before.removal;
    await this.#objects.upsert('Secret', name, content, { [STATE_LABEL]: 'placement' }, signal, isNew);
    for (const ref of dropped) await this.#dropChunks(after.placement, ref, signal);
  }

  /** @throws FlotillaError state-unreadable; KubeError when the API server cannot be asked */
  async bundle(placement: string, ref: BundleRef, signal: AbortSignal): Promise<Rendered> {
    if (ref.chunks === 0) {
      const secret = await this.#objects.get('Secret', secretOf(placement), signal);
      return decodeBundle(ref, [(secret && dataOf(secret, inlineKey(ref))) ?? Buffer.alloc(0)]);
    }
    const chunks: Buffer[] = [];
    for (let index = 0; index < ref.chunks; index++) {
      const chunk = await this.#objects.get('Secret', chunkOf(placement, ref, index), signal);
      chunks.push((chunk && dataOf(chunk, 'chunk')) ?? Buffer.alloc(0));
    }
    return decodeBundle(ref, chunks);
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
    for await (const { metadata } of this.#objects.secrets(['objects'], signal, { metadataOnly: true }))
      if (!named.has(metadata.name)) await this.#objects.delete('Secret', metadata.name, signal);
  }

  /** A placement that is gone leaves nothing behind. */
  async forget(record: PlacementRecord, signal: AbortSignal): Promise<void> {
    for (const ref of refsOf(record)) await this.#dropChunks(record.placement, ref, signal);
    await this.#objects.delete('Secret', secretOf(record.placement), signal);
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

function refsOf({ applied, target }: PlacementRecord): BundleRef[] {
  const refs = [applied?.bundle, target?.bundle].filter((ref) => ref !== undefined);
  return refs.filter((ref, index) => refs.findIndex(({ key }) => key === ref.key) === index);
}

function dataOf(secret: KubeObject, key: string): Buffer | undefined {
  const text = textAt(secret, 'data', key);
  return text === undefined || !isRecord(secret.data) ? undefined : Buffer.from(text, 'base64');
}
