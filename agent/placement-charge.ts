import type { ApplyResult, Assignment, PlacementSnapshot, Policy } from './engine/ports.ts';
import type { Engine } from './placement-ports.ts';
import { type Rendered, sourcesOf } from './state/bundle.ts';
import type { VersionRecord } from './state/records.ts';

/** Stands for a digest once everything of the placement is being taken away. */
const RETIRED = '(retired)';

/** What the engine has been given of one placement by this process, and under which policy. */
export class PlacementCharge {
  readonly #placement: string;
  readonly #engine: Engine;
  readonly #policy: (prune?: boolean) => Policy;
  #given: { digest: string; policy: string; unpruned?: boolean } | undefined;
  #intended: string | undefined;
  #renderHash: string | undefined;
  #starting = false;

  /** `policy` tells the one in force now. */
  constructor(placement: string, engine: Engine, policy: (prune?: boolean) => Policy) {
    this.#placement = placement;
    this.#engine = engine;
    this.#policy = policy;
  }

  /** A wanted version has not reached the engine yet. */
  get starting(): boolean {
    return this.#starting;
  }

  set starting(is: boolean) {
    this.#starting = is;
  }

  get renderHash(): string | undefined {
    return this.#renderHash;
  }

  get snapshot(): PlacementSnapshot | undefined {
    return this.#engine.snapshot(this.#placement);
  }

  get isEmpty(): boolean {
    return this.#given === undefined;
  }

  /** Something was kept that the version no longer has. */
  get isUnpruned(): boolean {
    return this.#given?.unpruned === true;
  }

  /** The engine enforces this content. */
  has(digest: string): boolean {
    return this.#given?.digest === digest;
  }

  /** The engine has this content, or has been told that it is to come. */
  knows(digest: string): boolean {
    return this.has(digest) || this.#intended === digest;
  }

  /** What was told last is not what is enforced: should it stay so, the engine has to be told of that again. */
  recant(digest: string | undefined): void {
    if (this.#intended !== undefined && this.#intended !== digest) this.#given = undefined;
  }

  intend(digest: string, rendered: Rendered, prune: boolean, signal: AbortSignal): Promise<void> {
    // Told before it is done: should the order change meanwhile, the engine has to be told of what runs again.
    this.#intended = digest;
    return this.#engine.intend(this.#assignment(rendered, prune), signal);
  }

  async apply(
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
      const applying = this.#engine.apply(assignment, signal);
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

  async prune(signal: AbortSignal): Promise<void> {
    await this.#engine.prune(this.#placement, signal);
    if (this.#given) this.#given.unpruned = false;
  }

  /**
   * True once nothing of it is left. `known` tells what may have been applied. What is refused or held is tried again by the engine,
   * or when its policy changes.
   */
  async retire(known: () => Promise<Rendered['objects']>, signal: AbortSignal): Promise<boolean> {
    const policy = this.#policy();
    const text = JSON.stringify(policy);
    if (!this.has(RETIRED) || this.#given?.policy !== text) {
      const objects = await known();
      this.#given = { digest: RETIRED, policy: text };
      this.#starting = false;
      await this.#engine.retire(this.#placement, objects, policy, signal);
    }
    return this.snapshot?.removed === true;
  }

  /** What only applies to watching over is told to the engine; where an apply has to follow, the engine is given it all anew. */
  follow(): void {
    if (!this.#given || this.has(RETIRED)) return;
    const policy = this.#policy();
    const text = JSON.stringify(policy);
    if (this.#given.policy === text) return;
    const before = JSON.parse(this.#given.policy) as Policy;
    const freed = (before.hold && !policy.hold) || before.observe !== policy.observe;
    const held = this.snapshot?.held !== undefined;
    this.#given.policy = text;
    this.#engine.setPolicy(this.#placement, policy);
    if (freed || held) this.#given = undefined;
  }

  letGo(): void {
    this.#engine.forget(this.#placement);
  }

  #assignment(rendered: Rendered, prune: boolean): Assignment {
    const { objects } = rendered;
    return { placement: this.#placement, objects, policy: this.#policy(prune), sources: sourcesOf(rendered) };
  }
}
