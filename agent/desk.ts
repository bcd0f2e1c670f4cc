import type { Logger } from 'pino';
import type { Mark } from '#process/markers.ts';
import { canonicalJson } from '#proto/canonical.ts';
import { openDesired } from '#proto/envelope.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import type { DesiredPayload } from '#proto/messages.ts';
import type { Branch } from './branch.ts';
import { judgeDesired, revisionsOf } from './core/accept.ts';
import { whyStopped } from './core/entry.ts';
import { type AtOnce, readAtOnce, remembered } from './derive/at-once.ts';
import type { FleetReader } from './derive/fleet-reader.ts';
import type { AcceptedRecord, PlacementRecord } from './state/records.ts';
import type { StateStore } from './state/store.ts';

export type DeskParts = {
  cluster: string;
  publicKey: string;
  /** Keys that may sign while the fleet repo names none. */
  pinnedKeys: readonly string[];
  branch: Branch;
  reader: FleetReader;
  store: StateStore;
  mark: Mark;
  log: Logger;
};

/**
 * Where desired documents are judged and the one in force is kept, together with what is in force at once. Judged by itself when it
 * arrives, in Git as soon as Git answers; saved before anything follows from it.
 */
export class Desk {
  readonly #parts: DeskParts;
  #record: AcceptedRecord = { v: 1 };
  #inForce: DesiredPayload | undefined;
  #pending: { envelope: string; document: DesiredPayload } | undefined;
  #atOnce: AtOnce = remembered({ state: 'unknown' }, new Map());
  #readFor = '';
  #refusal: Fault | undefined;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  get inForce(): DesiredPayload | undefined {
    return this.#inForce;
  }

  get atOnce(): AtOnce {
    return this.#atOnce;
  }

  /** True while a document waits to be judged in Git. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Git, as last seen, does not know this cluster: only another look at the branch can end that. */
  get isDisowned(): boolean {
    return this.#atOnce.entry.state === 'missing';
  }

  /** What is wrong with the cluster as a whole, for heartbeats and people. */
  get faults(): Fault[] {
    const { branch, cluster, publicKey } = this.#parts;
    const { entry } = this.#atOnce;
    const stopped = entry.state === 'missing' ? whyStopped(entry, cluster) : undefined;
    const foreign = entry.state === 'present' && !entry.hasKey;
    return [
      this.#refusal,
      branch.rewrite,
      stopped === undefined ? undefined : ({ code: 'entry-missing', message: stopped } as const),
      foreign
        ? ({
            code: 'agent-key-not-in-entry',
            message: `the entry of cluster ${cluster} at ${entry.revision} does not carry the key ${publicKey} of this agent`,
          } as const)
        : undefined,
      ...this.#atOnce.faults,
    ].filter((fault) => fault !== undefined);
  }

  /** Goes on where an earlier run stopped. */
  resume(record: AcceptedRecord, placements: readonly PlacementRecord[]): void {
    this.#record = record;
    this.#inForce = record.envelope === undefined ? undefined : this.#reopen(record.envelope);
    const policies = new Map(
      placements.flatMap(({ placement, policy }) =>
        policy === undefined ? [] : [[placement, policy as never] as const],
      ),
    );
    this.#atOnce = remembered(record.entry ?? { state: 'unknown' }, policies, record.notBefore);
  }

  /** A document has arrived; a new one has to be judged in Git. Never throws. */
  receive(envelope: string): 'new' | 'same' | 'ignored' {
    const { cluster, pinnedKeys, log } = this.#parts;
    const trustedKeys = this.#record.hubKeys ?? pinnedKeys;
    try {
      const { verdict, document } = judgeDesired(envelope, { cluster, trustedKeys, inForce: this.#inForce });
      if (verdict === 'same') {
        if (!this.#pending) this.#refusal = undefined;
        return 'same';
      }
      if (this.#pending && document.epoch < this.#pending.document.epoch) return 'ignored';
      this.#pending = { envelope, document };
      return 'new';
    } catch (error) {
      this.#refuse(toFault(error));
      if (!(error instanceof FlotillaError))
        log.error({ err: error }, 'a desired document could not be judged');
      return 'ignored';
    }
  }

  /**
   * Judges what is pending in Git, and puts it in force when every revision in it is on the branch.
   * @throws what Git and the API server throw; the document stays pending then
   */
  async decide(signal: AbortSignal): Promise<void> {
    const pending = this.#pending;
    if (!pending) return;
    const { branch, mark, log } = this.#parts;
    try {
      await branch.require(revisionsOf(pending.document), signal);
    } catch (error) {
      if (error instanceof FlotillaError && error.code === 'revision-not-on-branch')
        this.#refuse(toFault(error));
      throw error;
    }
    await this.#save({ envelope: pending.envelope }, signal);
    this.#inForce = pending.document;
    if (this.#pending === pending) this.#pending = undefined;
    this.#refusal = undefined;
    mark('desired-accepted');
    const { epoch, head, assignments, removed } = pending.document;
    log.info(
      { epoch, head, assignments: assignments.length, removed: removed.length },
      'desired document accepted',
    );
  }

  /**
   * Reads what is in force at once where it may have changed: another tip, another head, other placements.
   * @throws what Git throws; then what was known stays in force
   */
  async refresh(placements: readonly string[], signal: AbortSignal): Promise<void> {
    const { branch, reader, cluster, publicKey } = this.#parts;
    const { tip } = branch;
    const head = this.#inForce?.head;
    if (tip === undefined) return;
    const question = JSON.stringify([tip, head, placements.toSorted()]);
    if (question === this.#readFor) return;
    const revisions = head === undefined || head === tip ? [tip] : [tip, head];
    const before = this.#atOnce;
    const now = Date.now();
    this.#atOnce = await readAtOnce(
      reader,
      { cluster, publicKey, revisions, placements, before, now },
      signal,
    );
    const hubKeys = head === undefined ? undefined : await this.#hubKeysAt(head, signal);
    const { entry, notBefore } = this.#atOnce;
    await this.#save({ tip, entry, hubKeys, notBefore }, signal);
    this.#readFor = question;
  }

  #refuse(fault: Fault): void {
    if (this.#refusal?.message !== fault.message)
      this.#parts.log.warn(
        { code: fault.code },
        `${fault.message}; the last accepted document stays in force`,
      );
    this.#refusal = fault;
  }

  /** Hub keys at the last accepted head, where given, replace the pinned ones. What cannot be read changes nothing. */
  async #hubKeysAt(head: string, signal: AbortSignal): Promise<string[] | undefined> {
    const fleet = await this.#parts.reader.fleet(head, signal);
    if (fleet.state !== 'valid') return this.#record.hubKeys;
    return fleet.document.spec.hub?.publicKeys;
  }

  /** The document in force was checked when it was accepted; its key may have been replaced since. */
  #reopen(envelope: string): DesiredPayload | undefined {
    try {
      const { key } = JSON.parse(envelope) as { key: string };
      return openDesired(envelope, [key]);
    } catch (error) {
      this.#parts.log.error({ err: error }, 'the document kept from an earlier run cannot be read');
      return undefined;
    }
  }

  /** Members that are `undefined` are taken out. Written only when something changes. */
  async #save(change: Partial<Record<keyof AcceptedRecord, unknown>>, signal: AbortSignal): Promise<void> {
    const after = JSON.parse(JSON.stringify({ ...this.#record, ...change })) as AcceptedRecord;
    if (canonicalJson(after) === canonicalJson(this.#record)) return;
    await this.#parts.store.saveAccepted(after, signal);
    this.#record = after;
  }
}
