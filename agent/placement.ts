import { Bell } from '#process/wait.ts';
import type { Policy } from '#proto/assignment.ts';
import { canonicalJson } from '#proto/canonical.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import type { DesiredAssignment } from '#proto/messages.ts';
import { backoff } from './core/backoff.ts';
import { enginePolicy } from './core/engine-policy.ts';
import { objectId } from './core/object.ts';
import type { Order } from './core/orders.ts';
import { isPassing } from './core/passing.ts';
import type { Removal } from './core/removal.ts';
import type { ApplyResult, Assignment, Policy as EnginePolicy } from './engine/ports.ts';
import { APPROVE_ALL } from './engine/prune-run.ts';
import type { Made, PlacementParts, PlacementView, Terms } from './placement-ports.ts';
import type { Rendered } from './state/bundle.ts';
import type { PlacementRecord, VersionRecord } from './state/records.ts';

/** Stands for a digest once everything of the placement is being taken away. */
const RETIRED = '(retired)';

/**
 * One placement of this cluster, from its order to what runs: verify → fetch → derive → render → apply → prune. Levels in (`order`,
 * `terms`), the newest wins; a new order interrupts whatever is waited for. What cannot be done now is tried again with back-off,
 * and never disturbs another placement.
 */
export class Placement {
  readonly name: string;
  readonly #parts: PlacementParts;
  readonly #bell = new Bell();
  #record: PlacementRecord;
  #order: Order = { type: 'vanished' };
  #terms: Terms = { policy: undefined, approvals: [], stopped: undefined, observe: false };
  #interrupt = new AbortController();
  /** What the engine was given by this process. */
  #given: { digest: string; policy: string; unpruned?: boolean } | undefined;
  #made: (Made & { digest: string }) | undefined;
  /** The version whose objects the engine has been told of. */
  #intended: string | undefined;
  /** For where no policy can be read at the newest head. */
  #fallback: Policy | undefined;
  #starting = false;
  #attempt: number;
  #attempted: { revision: string; digest: string } | undefined;
  #renderHash: string | undefined;
  #obstacle: Fault | undefined;
  #waiting: string | undefined;
  #note: Fault | undefined;
  #removed = false;
  #failures = 0;
  /** Ends with the process's turn as the one writer. Saving is not interrupted by a newer order. */
  #life = AbortSignal.abort();

  constructor(name: string, record: PlacementRecord | undefined, parts: PlacementParts) {
    this.name = name;
    this.#parts = parts;
    this.#record = record ?? { v: 1, placement: name, seq: 0 };
    const last = this.#record.target ?? this.#record.applied;
    this.#attempt = last?.attempt ?? 0;
    this.#attempted = last && { revision: last.revision, digest: last.digest };
  }

  get record(): PlacementRecord {
    return this.#record;
  }

  get view(): PlacementView {
    const { applied } = this.#record;
    const order = this.#order;
    return {
      attempt: this.#attempt,
      attempted: this.#attempted,
      applied: applied && { revision: applied.revision, digest: applied.digest },
      renderHash: this.#renderHash,
      terms: this.#terms,
      obstacle: this.#obstacle,
      passing: this.#obstacle !== undefined && isPassing(this.#obstacle.code),
      waiting: this.#waiting,
      starting: this.#starting,
      notes: this.#note ? [this.#note] : [],
      removing: this.#record.removal !== undefined,
      removed: this.#removed,
      current:
        applied !== undefined &&
        this.#record.target === undefined &&
        (order.type !== 'assigned' || order.assignment.digest === applied.digest),
    };
  }

  /** True while what it is to have is about to become known: nobody prunes what this one may want. */
  get isPreparing(): boolean {
    const order = this.#order;
    const { digest } = order.type === 'assigned' ? order.assignment : {};
    const isNew = digest !== undefined && digest !== this.#given?.digest && digest !== this.#intended;
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
    this.#applyTerms();
    this.#bell.ring();
  }

  /** Something that it waits for may have come. */
  wake(): void {
    this.#bell.ring();
  }

  /** Runs until the signal is aborted, or until everything of it is gone. */
  async run(signal: AbortSignal): Promise<void> {
    this.#life = signal;
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
    await this.#keepPolicy();
    if (order.type === 'removed') return this.#remove(order.revision, signal);
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
    const version = this.#record.target ?? this.#record.applied;
    const isWanted = this.#order.type !== 'assigned' || this.#order.assignment.digest === version?.digest;
    if (isWanted && this.#intended !== undefined && this.#intended !== version?.digest)
      this.#given = undefined;
    if (!version || this.#record.removal) return;
    if (!this.#given) await this.#giveAgain(version, signal);
    if (isWanted && this.#given?.unpruned) await this.#prune(signal);
  }

  /** Nothing is pruned with it: the neighbours may not have said yet what they want. */
  async #giveAgain(version: VersionRecord, signal: AbortSignal): Promise<void> {
    let rendered: Rendered;
    try {
      rendered = await this.#parts.store.bundle(this.name, version.bundle, signal);
    } catch (error) {
      if (!(error instanceof FlotillaError) || error.code !== 'state-unreadable') throw error;
      this.#note = toFault(error);
      return;
    }
    const settled = this.#record.target === undefined;
    await this.#apply(version, rendered, { settled, keepStale: true }, signal);
  }

  /** What the restored version no longer has goes once nobody else can be about to want it. */
  async #prune(signal: AbortSignal): Promise<void> {
    await this.#parts.surroundings.othersIntend(this.name, signal);
    await this.#parts.engine.prune(this.name, signal);
    if (this.#given) this.#given.unpruned = false;
  }

  async #install(wanted: DesiredAssignment, signal: AbortSignal): Promise<void> {
    const { digest, revision, attempt } = wanted;
    const running = this.#record.target ?? this.#record.applied;
    const again = running?.digest === digest && this.#given?.digest === digest;
    if (running && again && (running.attempt === attempt || !this.#record.target)) {
      this.#starting = false;
      await this.#move(running, wanted);
      return this.#settle();
    }
    if (this.#terms.stopped) return;
    this.#attempt = attempt;
    this.#attempted = { revision, digest };
    this.#starting = true;
    this.#parts.surroundings.changed(this.name);
    const made = await this.#make(wanted, signal);
    const { allow } = this.#terms.policy ?? made.policy;
    await this.#parts.guard(this.name, made.rendered.objects, allow, signal);
    // Told before it is done: should the order change meanwhile, the engine has to be told of what runs again.
    this.#intended = digest;
    await this.#parts.engine.intend(this.#assignment(made.rendered, made.prune), signal);
    this.#parts.surroundings.changed(this.name);
    const missing = this.#record.applied === undefined ? this.#parts.surroundings.waitsFor(this.name) : [];
    if (missing.length > 0) {
      this.#waiting = `waits for ${missing.join(', ')}, which it depends on`;
      return;
    }
    await this.#parts.surroundings.othersIntend(this.name, signal);
    await this.#echo(attempt, signal);
    const before: PlacementRecord = this.#kept();
    delete before.removal;
    const target = { revision, digest, attempt, prune: made.prune };
    this.#record = await this.#parts.store.saveTarget(before, target, made.rendered, this.#life);
    this.#parts.mark('target-saved');
    this.#made = undefined;
    this.#parts.surroundings.event('APPLY_STARTED', revision, `applying ${digest.slice(0, 12)}`);
    const { results } = await this.#apply(this.#record.target!, made.rendered, {}, signal);
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
    const { applied, target } = this.#record;
    const kept = [target, applied].find((version) => version?.digest === wanted.digest);
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
    const moved = { ...running, revision, attempt };
    const after: PlacementRecord = this.#record.target
      ? { ...this.#record, target: moved }
      : { ...this.#record, applied: moved };
    await this.#save(after);
  }

  async #apply(
    version: VersionRecord,
    rendered: Rendered,
    how: Pick<Assignment, 'settled' | 'keepStale'>,
    signal: AbortSignal,
  ): Promise<ApplyResult> {
    const assignment = { ...this.#assignment(rendered, version.prune), ...how };
    const policy = JSON.stringify(assignment.policy);
    this.#given = { digest: version.digest, policy, unpruned: how.keepStale === true };
    this.#intended = undefined;
    this.#renderHash = rendered.renderHash;
    try {
      const applying = this.#parts.engine.apply(assignment, signal);
      this.#starting = false;
      const result = await applying;
      if (this.#given) this.#given.unpruned = result.deferred;
      return result;
    } catch (error) {
      // Broken off half-way: whatever is wanted next, the engine has to be given something.
      if (signal.aborted) this.#given = undefined;
      throw error;
    }
  }

  #assignment({ objects }: Rendered, prune: boolean): Assignment {
    return { placement: this.name, objects, policy: this.#policy(prune) };
  }

  /** Once the engine has everything as wanted, the version that was being applied is the one that runs. */
  async #settle(): Promise<void> {
    const { target } = this.#record;
    if (!target || this.#terms.observe || this.#terms.stopped) return;
    const snapshot = this.#parts.engine.snapshot(this.name);
    if (!snapshot || snapshot.applying || snapshot.counts.failed > 0 || snapshot.faults.length > 0) return;
    const after: PlacementRecord = { ...this.#record, applied: target };
    delete after.target;
    await this.#save(after);
    this.#parts.surroundings.event(
      'APPLY_SUCCEEDED',
      target.revision,
      `applied ${target.digest.slice(0, 12)}`,
    );
  }

  async #remove(revision: string, signal: AbortSignal): Promise<void> {
    if (this.#record.removal?.revision !== revision) {
      const applied = (this.#record.applied ?? this.#record.target)?.revision;
      let mode: Removal;
      try {
        mode = await this.#parts.source.confirmRemoval(this.name, revision, applied, signal);
      } catch (error) {
        // Until Git confirms it, what runs goes on and is enforced.
        await this.#restore(signal);
        throw error;
      }
      if (this.#terms.stopped) return;
      await this.#save({ ...this.#record, removal: { revision, mode } });
      this.#parts.mark('removal-saved');
    }
    if (this.#terms.stopped) return;
    if (this.#record.removal!.mode !== 'orphan' && !(await this.#retire(signal))) return;
    this.#parts.engine.forget(this.name);
    await this.#parts.store.forget(this.#record, this.#life);
    this.#removed = true;
  }

  /** True once nothing of it is left. What is refused or held is tried again by the engine, or when its policy changes. */
  async #retire(signal: AbortSignal): Promise<boolean> {
    const policy = this.#policy();
    const text = JSON.stringify(policy);
    const { engine, surroundings } = this.#parts;
    if (this.#given?.digest !== RETIRED || this.#given.policy !== text) {
      await surroundings.othersIntend(this.name, signal);
      const known = await this.#known(signal);
      this.#given = { digest: RETIRED, policy: text };
      this.#starting = false;
      await engine.retire(this.name, known, policy, signal);
    }
    return engine.snapshot(this.name)?.removed === true;
  }

  /** Everything that saved state says was or may have been applied. */
  async #known(signal: AbortSignal): Promise<Rendered['objects']> {
    const { applied, target } = this.#record;
    const objects = new Map<string, Rendered['objects'][number]>();
    for (const version of [applied, target]) {
      if (!version) continue;
      try {
        const rendered = await this.#parts.store.bundle(this.name, version.bundle, signal);
        for (const object of rendered.objects) objects.set(objectId(object), object);
      } catch (error) {
        if (!(error instanceof FlotillaError) || error.code !== 'state-unreadable') throw error;
        this.#note = toFault(error);
      }
    }
    return [...objects.values()];
  }

  /** The policy in force survives a restart without Git: what is only reported must not be corrected then. */
  async #keepPolicy(): Promise<void> {
    const { policy } = this.#terms;
    const { applied, target } = this.#record;
    if (!policy || !(applied ?? target)) return;
    if (canonicalJson(policy) !== canonicalJson(this.#record.policy)) await this.#save(this.#record);
  }

  async #save(after: PlacementRecord): Promise<void> {
    const kept = { ...after, ...this.#extras() };
    await this.#parts.store.savePlacement(this.#record, kept, this.#life);
    this.#record = kept;
  }

  #kept(): PlacementRecord {
    return { ...this.#record, ...this.#extras() };
  }

  /** What is kept with every write that is made anyway. */
  #extras(): Pick<PlacementRecord, 'seq' | 'policy'> {
    const { policy } = this.#terms;
    const seq = this.#parts.surroundings.lastSeq();
    return { seq, ...(policy && { policy: JSON.parse(JSON.stringify(policy)) }) };
  }

  #policy(prune = (this.#record.target ?? this.#record.applied)?.prune ?? true): EnginePolicy {
    const { stopped, observe, policy = this.#fallback } = this.#terms;
    const { removal } = this.#record;
    const decommission = removal?.mode === 'decommission';
    const approvals = decommission ? [APPROVE_ALL] : this.#terms.approvals;
    return enginePolicy({ policy, prune, approvals, hold: stopped !== undefined, observe });
  }

  /** What only applies to watching over is told to the engine; where an apply has to follow, the engine is given it all anew. */
  #applyTerms(): void {
    if (!this.#given || this.#given.digest === RETIRED) return;
    const policy = this.#policy();
    const text = JSON.stringify(policy);
    if (this.#given.policy === text) return;
    const before = JSON.parse(this.#given.policy) as EnginePolicy;
    const freed = (before.hold && !policy.hold) || before.observe !== policy.observe;
    const held = this.#parts.engine.snapshot(this.name)?.held !== undefined;
    this.#given.policy = text;
    this.#parts.engine.setPolicy(this.name, policy);
    if (freed || held) this.#given = undefined;
  }

  #tell(error: unknown): void {
    const { code, message } = this.#obstacle!;
    const detail = code === 'internal' ? { code, err: error } : { code };
    this.#parts.log.warn({ placement: this.name, ...detail }, message);
  }
}
