import { type Fault, toFault } from '#proto/faults.ts';
import type { FieldDrift } from '#proto/messages.ts';
import { knownControllers } from '../core/controllers.ts';
import type { DriftRules } from '../core/drift.ts';
import { compileRules } from '../core/ignore.ts';
import { type KubeObject, objectId } from '../core/object.ts';
import type { Held } from '../core/plan.ts';
import type { KubeClient } from '../kube/client.ts';
import { type Assignment, DEFAULT_POLICY, type ObjectResult, type Policy } from './ports.ts';
import type { ObjectError, Tracked } from './tracked.ts';

/** Corrected drift is told so long, ms. */
const LINGER = 3_000;
const MOST_CORRECTED = 50;

/** Everything the engine knows of one placement on this cluster. */
export class PlacementState {
  readonly name: string;
  /** In force: what is watched, compared and corrected. */
  readonly objects = new Map<string, Tracked>();
  assignment: Assignment | undefined;
  policy: Policy = DEFAULT_POLICY;
  /** Writes as the policy says. */
  kube: KubeClient;
  rules: DriftRules;
  retired = false;
  removed = false;
  applying = false;
  /** What became of each object in the last apply; pruned ones included. */
  results = new Map<string, ObjectResult>();
  /** id → apiVersion of everything that is wanted, also of what cannot be placed. */
  wanted: ReadonlyMap<string, string> = new Map();
  held: Held | undefined;
  /** Under observe: what an apply would hold. */
  wouldHold: Held | undefined;
  /** What it no longer wants and another placement is about to have, by id, with that placement; it stays in the inventory until then. */
  handing: ReadonlyMap<string, string> = new Map();
  /** Ids of what the last full pass found to carry its label though nothing names it, see `orphans.ts`. */
  orphans: ReadonlySet<string> = new Set();
  /** What it no longer wants was not looked at yet (`Assignment.keepStale`). */
  deferred = false;
  /** Applies in a row that were not whole. */
  failures = 0;
  #fault: Fault | undefined;
  #corrected: { drift: FieldDrift; until: number }[] = [];

  constructor(name: string, kube: KubeClient) {
    this.name = name;
    this.kube = kube;
    this.rules = rulesOf(this.policy, 0);
  }

  setPolicy(policy: Policy, kube: KubeClient, now: number): void {
    this.policy = policy;
    this.kube = kube;
    this.rules = rulesOf(policy, now);
  }

  /** Why the last apply did not come to its objects; undefined when it did. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** A new apply begins: these objects, of which some are refused before anything is written. */
  begin(objects: readonly KubeObject[], refused: ReadonlyMap<string, ObjectError>): void {
    this.wanted = new Map(objects.map((object) => [objectId(object), object.apiVersion]));
    this.results = new Map();
    this.wouldHold = undefined;
    for (const [id, error] of refused) this.failOne(id, error);
  }

  failOne(id: string, error: ObjectError): void {
    this.results.set(id, { id, action: 'failed', error });
  }

  get hasFailed(): boolean {
    return this.results.values().some(({ action }) => action === 'failed');
  }

  fail(error: unknown): void {
    this.#fault = toFault(error);
  }

  succeed(): void {
    this.#fault = undefined;
  }

  /** Whether drift is corrected: report, hold and observe only tell. */
  get corrects(): boolean {
    return this.policy.mode === 'correct' && !this.policy.hold && !this.policy.observe && !this.retired;
  }

  /** Returns until when (ms) they are told. */
  linger(drifts: readonly FieldDrift[], now: number): number {
    const until = now + LINGER;
    this.#corrected = [
      ...this.#corrected.filter((each) => each.until > now),
      ...drifts.map((drift) => ({ drift, until })),
    ].slice(-MOST_CORRECTED);
    return until;
  }

  /** Drift that was corrected within the last seconds. */
  corrected(now: number): FieldDrift[] {
    return this.#corrected.filter(({ until }) => until > now).map(({ drift }) => drift);
  }
}

const rulesOf = (policy: Policy, now: number): DriftRules => ({
  ignore: compileRules(policy.ignore, now),
  controllers: knownControllers(policy.controllers),
  removeExtras: policy.extras === 'remove',
});
