import { Bell } from '#process/wait.ts';
import type { Policy } from '#proto/assignment.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import type { DesiredAssignment, DesiredRemoval } from '#proto/messages.ts';
import { backoff } from './core/backoff.ts';
import { enginePolicy } from './core/engine-policy.ts';
import { objectId } from './core/object.ts';
import type { Order } from './core/orders.ts';
import { isPassing } from './core/passing.ts';
import type { Removal } from './core/removal.ts';
import type { Policy as EnginePolicy } from './engine/ports.ts';
import { APPROVE_ALL } from './engine/prune-run.ts';
import { PlacementBook } from './placement-book.ts';
import { PlacementCharge } from './placement-charge.ts';
import type { Made, PlacementParts, PlacementView, Terms } from './placement-ports.ts';
import type { Rendered } from './state/bundle.ts';
import type { PlacementRecord, VersionRecord } from './state/records.ts';

type Removed = Omit<DesiredRemoval, 'placement'>;

/**
 * One placement of this cluster, from its order to what runs: verify → fetch → derive → render → apply → prune. Levels in (`order`,
 * `terms`), the newest wins; a new order interrupts whatever is waited for. What cannot be done now is tried again with back-off,
 * and never disturbs another placement.
 */
export class Placement {
  readonly name: string;
  readonly #parts: PlacementParts;
  readonly #bell = new Bell();
  readonly #book: PlacementBook;
  readonly #charge: PlacementCharge;
  #order: Order = { type: 'vanished' };
  #terms: Terms = { policy: undefined, approvals: [], stopped: undefined, observe: false };
  #interrupt = new AbortController();
  #made: (Made & { digest: string }) | undefined;
  /** For where no policy can be read at the newest head. */
  #fallback: Policy | undefined;
  #attempt: number;
  #attempted: { revision: string; digest: string } | undefined;
  #obstacle: Fault | undefined;
  #waiting: string | undefined;
  #note: Fault | undefined;
  #removed = false;
  #failures = 0;

  constructor(name: string, record: PlacementRecord | undefined, parts: PlacementParts) {
    this.name = name;
    this.#parts = parts;
    this.#book = new PlacementBook(
      record ?? { v: 1, placement: name, seq: 0 },
      parts,
      () => this.#terms.policy,
    );
    this.#charge = new PlacementCharge(name, parts.engine, (prune) => this.#policy(prune));
    const last = this.#book.version;
    this.#attempt = last?.attempt ?? 0;
    this.#attempted = last && { revision: last.revision, digest: last.digest };
  }

  get record(): PlacementRecord {
    return this.#book.record;
  }

  get view(): PlacementView {
    const { applied, target, removal } = this.#book.record;
    const order = this.#order;
    return {
      attempt: this.#attempt,
      attempted: this.#attempted,
      applied: applied && { revision: applied.revision, digest: applied.digest },
      renderHash: this.#charge.renderHash,
      terms: this.#terms,
      obstacle: this.#obstacle,
      passing: this.#obstacle !== undefined && isPassing(this.#obstacle.code),
      waiting: this.#waiting,
      starting: this.#charge.starting,
      notes: this.#note ? [this.#note] : [],
      removing: removal !== undefined,
      removed: this.#removed,
      current:
        applied !== undefined &&
        target === undefined &&
        (order.type !== 'assigned' || order.assignment.digest === applied.digest),
    };
  }

  /** True while what it is to have is about to become known: nobody prunes what this one may want. */
  get isPreparing(): boolean {
    const order = this.#order;
    const { digest } = order.type === 'assigned' ? order.assignment : {};
    const isNew = digest !== undefined && !this.#charge.knows(digest);
    const stuck = this.#obstacle !== undefined && !isPassing(this.#obstacle.code);
    return isNew && !this.#terms.stopped && !stuck && !this.#waiting;
  }

  /** Something else has to happen first, in this cluster or at the hub. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** A new order, from a document that was accepted and saved. */
  give(order: Order): void {
    if (JSON.stringify(order) === JSON.stringify(this.#order)) return;
    this.#order = order;
    this.#failures = 0;
    this.#interrupt.abort();
    this.#interrupt = new AbortController();
    this.#bell.ring();
  }

  /** What is in force at once; takes effect without a new version. */
  setTerms(terms: Terms): void {
    if (JSON.stringify(terms) === JSON.stringify(this.#terms)) return;
    this.#terms = terms;
    this.#charge.follow();
    this.#bell.ring();
  }

  /** Something that it waits for may have come. */
  wake(): void {
    this.#bell.ring();
  }

  /** Runs until the signal is aborted, or until everything of it is gone. */
  async run(signal: AbortSignal): Promise<void> {
    this.#book.open(signal);
    while (!signal.aborted && !this.#removed) {
      const interrupt = AbortSignal.any([signal, this.#interrupt.signal]);
      let wait = Number.POSITIVE_INFINITY;
      try {
        await this.#step(interrupt);
        this.#obstacle = undefined;
        this.#failures = 0;
      } catch (error) {
        // What went wrong with an order that is no longer the newest is no news.
        if (interrupt.aborted) continue;
        this.#failures++;
        this.#obstacle = toFault(error);
        wait = backoff(this.#parts.retry, this.#failures, Math.random());
        this.#tell(error);
      }
      this.#parts.surroundings.changed(this.name);
      if (!this.#removed) await this.#bell.wait(wait, signal);
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const order = this.#order;
    this.#note = undefined;
    this.#waiting = undefined;
    await this.#book.savePolicy();
    if (order.type === 'removed') return this.#remove(order.removal, signal);
    await this.#restore(signal);
    if (order.type === 'assigned') return this.#install(order.assignment, signal);
    this.#note = {
      code: 'assignment-vanished',
      message: `placement ${this.name} left the desired document without an order to remove it; it is kept and enforced`,
    };
    await this.#settle();
  }

  /** After a restart: the engine gets what runs, without Git, hub or NATS. */
  async #restore(signal: AbortSignal): Promise<void> {
    const { version, record } = this.#book;
    const isWanted = this.#order.type !== 'assigned' || this.#order.assignment.digest === version?.digest;
    if (isWanted) this.#charge.recant(version?.digest);
    if (!version || record.removal) return;
    if (this.#charge.isEmpty) await this.#giveAgain(version, signal);
    if (!isWanted || !this.#charge.isUnpruned) return;
    // What the restored version no longer has goes once nobody else can be about to want it.
    await this.#parts.surroundings.othersIntend(this.name, signal);
    await this.#charge.prune(signal);
  }

  /** Nothing is pruned with it: the neighbours may not have said yet what they want. */
  async #giveAgain(version: VersionRecord, signal: AbortSignal): Promise<void> {
    const rendered = await this.#kept(version, signal);
    const settled = this.#book.record.target === undefined;
    if (rendered) await this.#charge.apply(version, rendered, { settled, keepStale: true }, signal);
  }

  /** Undefined, and a note, where saved objects cannot be read. */
  async #kept(version: VersionRecord, signal: AbortSignal): Promise<Rendered | undefined> {
    try {
      return await this.#parts.store.bundle(this.name, version.bundle, signal);
    } catch (error) {
      if (!(error instanceof FlotillaError) || error.code !== 'state-unreadable') throw error;
      this.#note = toFault(error);
      return undefined;
    }
  }

  async #install(wanted: DesiredAssignment, signal: AbortSignal): Promise<void> {
    const { digest, revision, attempt } = wanted;
    const running = this.#book.version;
    // What was being removed has to be applied anew, wherever its removal was.
    const isWhole = this.#book.record.removal === undefined;
    const again = isWhole && running?.digest === digest && this.#charge.has(digest);
    if (running && again && (running.attempt === attempt || !this.#book.record.target)) {
      this.#charge.starting = false;
      await this.#move(running, wanted);
      return this.#settle();
    }
    if (this.#terms.stopped) return;
    this.#attempt = attempt;
    this.#attempted = { revision, digest };
    this.#charge.starting = true;
    this.#parts.surroundings.changed(this.name);
    const made = await this.#make(wanted, signal);
    const { allow } = this.#terms.policy ?? made.policy;
    await this.#parts.guard(this.name, made.rendered.objects, allow, signal);
    await this.#charge.intend(digest, made.rendered, made.prune, signal);
    this.#parts.surroundings.changed(this.name);
    const missing =
      this.#book.record.applied === undefined ? this.#parts.surroundings.waitsFor(this.name) : [];
    if (missing.length > 0) {
      this.#waiting = `waits for ${missing.join(', ')}, which it depends on`;
      return;
    }
    await this.#parts.surroundings.othersIntend(this.name, signal);
    await this.#echo(attempt, signal);
    const target = await this.#book.saveTarget(
      { revision, digest, attempt, prune: made.prune },
      made.rendered,
    );
    this.#parts.mark('target-saved');
    this.#made = undefined;
    this.#parts.surroundings.event('APPLY_STARTED', revision, `applying ${digest.slice(0, 12)}`);
    const { results } = await this.#charge.apply(target, made.rendered, {}, signal);
    const failed = results.find((result) => result.error);
    if (failed)
      this.#parts.surroundings.event('APPLY_FAILED', revision, failed.error?.message ?? 'apply failed');
    await this.#settle();
  }

  /** Nothing is written for an attempt before the hub's server has it: "not echoed" means "nothing changed". */
  async #echo(attempt: number, signal: AbortSignal): Promise<void> {
    this.#waiting = 'waits until NATS has taken the echo of this attempt';
    this.#parts.surroundings.changed(this.name);
    await this.#parts.surroundings.echoed(this.name, attempt, signal);
    this.#waiting = undefined;
    this.#parts.mark('echoed');
  }

  /** Rendered objects of a version: made in a step before, kept in the cluster (going back), or made from Git. */
  async #make(wanted: DesiredAssignment, signal: AbortSignal): Promise<Made> {
    if (this.#made?.digest === wanted.digest) return this.#made;
    const kept = this.#book.versions.find((version) => version.digest === wanted.digest);
    const { policy } = this.#terms;
    if (kept && policy && this.#note === undefined) {
      const rendered = await this.#parts.store.bundle(this.name, kept.bundle, signal);
      return { rendered, prune: kept.prune, policy };
    }
    const made = await this.#parts.source.render(wanted, signal);
    this.#parts.mark('rendered');
    this.#made = { ...made, digest: wanted.digest };
    this.#fallback = made.policy;
    return made;
  }

  /** Equal digest: the version gets a new name or a new attempt, and nothing is fetched or applied. */
  async #move(running: VersionRecord, wanted: DesiredAssignment): Promise<void> {
    const { revision, attempt, digest } = wanted;
    this.#attempted = { revision, digest };
    if (running.revision === revision && running.attempt === attempt) return;
    if (attempt !== this.#attempt) {
      this.#attempt = attempt;
      this.#parts.surroundings.changed(this.name);
    }
    await this.#book.saveMoved({ ...running, revision, attempt });
  }

  /** Once the engine has everything as wanted, the version that was being applied is the one that runs. */
  async #settle(): Promise<void> {
    const { target } = this.#book.record;
    if (!target || this.#terms.observe || this.#terms.stopped) return;
    const { snapshot } = this.#charge;
    if (!snapshot || snapshot.applying || snapshot.counts.failed > 0 || snapshot.faults.length > 0) return;
    await this.#book.saveSettled();
    this.#parts.surroundings.event(
      'APPLY_SUCCEEDED',
      target.revision,
      `applied ${target.digest.slice(0, 12)}`,
    );
  }

  async #remove({ attempt, ...at }: Removed, signal: AbortSignal): Promise<void> {
    const { revision } = at;
    if (attempt !== undefined && attempt !== this.#attempt) {
      this.#attempt = attempt;
      this.#parts.surroundings.changed(this.name);
    }
    const begun = this.#book.record.removal;
    if (begun?.revision !== revision || begun.entryRevision !== at.entryRevision) {
      const { applied, target } = this.#book.record;
      const last = (applied ?? target)?.revision;
      let mode: Removal;
      try {
        mode = await this.#parts.source.confirmRemoval(this.name, at, last, signal);
      } catch (error) {
        // Until Git confirms it, what runs goes on and is enforced.
        await this.#restore(signal);
        throw error;
      }
      if (this.#terms.stopped) return;
      await this.#book.saveRemoval({ ...at, mode });
      this.#parts.mark('removal-saved');
    }
    if (this.#terms.stopped) return;
    if (attempt !== undefined) await this.#echo(attempt, signal);
    const orphaned = this.#book.record.removal!.mode === 'orphan';
    if (!orphaned && !(await this.#charge.retire(() => this.#known(signal), signal))) return;
    this.#charge.letGo();
    await this.#book.forget();
    this.#removed = true;
  }

  /** Everything that saved state says was or may have been applied, once nobody else can be about to want it. */
  async #known(signal: AbortSignal): Promise<Rendered['objects']> {
    await this.#parts.surroundings.othersIntend(this.name, signal);
    const objects = new Map<string, Rendered['objects'][number]>();
    // What runs comes first, what is being applied has the last word.
    for (const version of this.#book.versions.toReversed()) {
      const rendered = await this.#kept(version, signal);
      for (const object of rendered?.objects ?? []) objects.set(objectId(object), object);
    }
    return [...objects.values()];
  }

  #policy(prune = this.#book.version?.prune ?? true): EnginePolicy {
    const { stopped, observe, policy = this.#fallback } = this.#terms;
    const { removal } = this.#book.record;
    const decommission = removal?.mode === 'decommission';
    const approvals = decommission ? [APPROVE_ALL] : this.#terms.approvals;
    return enginePolicy({ policy, prune, approvals, hold: stopped !== undefined, observe });
  }

  #tell(error: unknown): void {
    const { code, message } = this.#obstacle!;
    const detail = code === 'internal' ? { code, err: error } : { code };
    this.#parts.log.warn({ placement: this.name, ...detail }, message);
  }
}
