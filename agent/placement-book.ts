import type { Policy } from '#proto/assignment.ts';
import { canonicalJson } from '#proto/canonical.ts';
import type { PlacementParts } from './placement-ports.ts';
import type { Rendered } from './state/bundle.ts';
import type { PlacementRecord, VersionRecord } from './state/records.ts';
import type { SaveHow } from './state/store.ts';

const LATER: SaveHow = { later: true };

/**
 * What is kept of one placement in its cluster. Saved before anything follows from it (what a restart finds out again: later), and not
 * interrupted by a newer order: only by the end of this process's turn as the one writer (`life`). All methods throw KubeError.
 */
export class PlacementBook {
  readonly #parts: Pick<PlacementParts, 'store' | 'surroundings'>;
  readonly #policy: () => Policy | undefined;
  #record: PlacementRecord;
  #life = AbortSignal.abort();

  /** `policy` is the one in force, which is kept with every write that is made anyway. */
  constructor(
    record: PlacementRecord,
    parts: Pick<PlacementParts, 'store' | 'surroundings'>,
    policy: () => Policy | undefined,
  ) {
    this.#record = record;
    this.#parts = parts;
    this.#policy = policy;
  }

  get record(): PlacementRecord {
    return this.#record;
  }

  /** The version that is being applied, else the one that runs. */
  get version(): VersionRecord | undefined {
    return this.#record.target ?? this.#record.applied;
  }

  /** Versions whose objects are kept: being applied, and running. */
  get versions(): VersionRecord[] {
    return [this.#record.target, this.#record.applied].filter((version) => version !== undefined);
  }

  open(life: AbortSignal): void {
    this.#life = life;
  }

  async saveTarget(target: Omit<VersionRecord, 'bundle'>, rendered: Rendered): Promise<VersionRecord> {
    const { removal, ...before } = { ...this.#record, ...this.#extras() };
    this.#record = await this.#parts.store.saveTarget(before, target, rendered, this.#life);
    return this.#record.target!;
  }

  /** Equal content gets a new name or a new attempt. */
  saveMoved(version: VersionRecord): Promise<void> {
    const { target } = this.#record;
    return this.#save({ ...this.#record, [target ? 'target' : 'applied']: version }, LATER);
  }

  /** What was being applied is what runs. */
  saveSettled(): Promise<void> {
    const { target, ...after } = this.#record;
    return this.#save({ ...after, ...(target && { applied: target }) }, LATER);
  }

  saveRemoval(removal: NonNullable<PlacementRecord['removal']>): Promise<void> {
    return this.#save({ ...this.#record, removal });
  }

  /** The policy in force survives a restart without Git: what is only reported must not be corrected then. */
  async savePolicy(): Promise<void> {
    const policy = this.#policy();
    if (!policy || !this.version) return;
    if (canonicalJson(policy) !== canonicalJson(this.#record.policy)) await this.#save(this.#record);
  }

  forget(): Promise<void> {
    return this.#parts.store.forget(this.#record, this.#life);
  }

  async #save(after: PlacementRecord, how: SaveHow = {}): Promise<void> {
    const kept = { ...after, ...this.#extras() };
    await this.#parts.store.savePlacement(this.#record, kept, this.#life, how);
    this.#record = kept;
  }

  #extras(): Pick<PlacementRecord, 'seq' | 'policy'> {
    const policy = this.#policy();
    const seq = this.#parts.surroundings.lastSeq();
    return { seq, ...(policy && { policy: JSON.parse(JSON.stringify(policy)) }) };
  }
}
