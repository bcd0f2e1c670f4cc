import { clustersOf, type Stage as StageSpec } from '#proto/stages.ts';
import type { LineEvent, WebhookRequest } from './events.ts';
import type { Content, LineFacts, Version } from './facts.ts';
import { type Member, type Membership, membershipOf } from './membership.ts';
import type { Line, Run, Stage, Target, Work } from './state.ts';
import { forget, remember, type TargetTable, tableOf } from './target-table.ts';
import { type Versions, versionsOf } from './versions.ts';

/** Attempts are unique for ever, also when a clock goes back. */
export const nextAttempt = (last: number, now: number): number => Math.max(now, last + 1);

/**
 * A line while one step is taken: the only thing in this room that is written to. What is not touched stays the very object it
 * was, so a step that changes nothing gives back its input.
 */
export class Draft {
  readonly facts: LineFacts;
  readonly versions: Versions;
  readonly membership: Membership;
  readonly now: number;
  readonly events: LineEvent[] = [];
  readonly requests: WebhookRequest[] = [];
  /** Some target has left Current after it had reached it. */
  hasRegressed = false;
  #line: Line;
  #targets: Record<string, Target> | undefined;
  #table: TargetTable | undefined;
  #places: Int32Array | undefined;
  #changes = 0;
  /** Whether a target was written to. */
  hasChangedTargets = false;
  readonly #givenUp: boolean;
  readonly #digests = new Map<string, readonly (string | null)[]>();
  #wakeHub = Number.POSITIVE_INFINITY;
  #wakeAt = Number.POSITIVE_INFINITY;

  /** `givenUp`: whoever hands in the line looks at it no more, and its targets may be written to if such a step made them. */
  constructor(line: Line, facts: LineFacts, now: number, givenUp = false) {
    this.#line = line;
    this.#givenUp = givenUp;
    this.facts = facts;
    this.now = now;
    this.versions = versionsOf(facts.versions);
    this.membership = membershipOf(facts.clusters, facts.strategy.stages);
  }

  get line(): Line {
    return this.#line;
  }

  get hub(): number {
    return this.facts.hub;
  }

  /** The state after the step. */
  done(): Line {
    return this.#line;
  }

  /** When time alone may change something: Unix milliseconds, if hub time runs until then. */
  get wakeAt(): number {
    return Math.min(this.#wakeAt, this.now + Math.max(0, this.#wakeHub - this.hub));
  }

  /** Whether a moment of hub time has come; if not, this line wants to be looked at then. */
  due(hub: number): boolean {
    if (hub <= this.hub) return true;
    this.#wakeHub = Math.min(this.#wakeHub, hub);
    return false;
  }

  /** As `due`, for the hub's clock. */
  past(at: number): boolean {
    if (at <= this.now) return true;
    this.#wakeAt = Math.min(this.#wakeAt, at);
    return false;
  }

  update(change: Partial<Line>): void {
    this.replace({ ...this.#line, ...change });
  }

  /** For what is to be absent afterwards. */
  replace(line: Line): void {
    this.#line = line;
    this.#changes += 1;
  }

  /** Grows with everything that changes: what was found out before may not hold any more. */
  get changes(): number {
    return this.#changes;
  }

  event(event: LineEvent): void {
    this.events.push(event);
  }

  // ---- targets

  target(cluster: string): Target | undefined {
    // Whoever adds many goes on with the record.
    if (!this.#table && this.#targets) return this.#targets[cluster];
    const { index, list } = this.table;
    const at = index.get(cluster);
    return at === undefined ? undefined : list[at];
  }

  targetOf({ name, place }: Member): Target | undefined {
    if (!this.#table && this.#targets) return this.#targets[name];
    const { table } = this;
    this.#places ??= table.placesOf(this.membership);
    const at = this.#places[place]!;
    return at < 0 ? undefined : table.list[at];
  }

  /** All targets; not to be kept beyond a change. */
  get table(): TargetTable {
    this.#table ??= tableOf(this.#line.targets);
    return this.#table;
  }

  /**
   * What a version gives a member; null: nothing, and what it has is to be removed. Undefined: it keeps what it has, because the
   * version is not known any more, or because it gives nothing and Git says otherwise where an agent would look: the head gives
   * something again (a guard that held the removal looks at the head only), or what the member has is younger than the version.
   */
  digestOf(revision: string, member: Member): string | null | undefined {
    const digest = this.givenBy(revision, member);
    if (digest !== null) return digest;
    const head = this.versions.head?.revision;
    if (head !== undefined && this.givenBy(head, member) !== null) return undefined;
    return this.#isYounger(member, revision) ? undefined : null;
  }

  /** What a version gives a member, whatever that has; null: nothing; undefined where it is not known any more. */
  givenBy(revision: string, { place }: Member): string | null | undefined {
    return this.#digestsOf(revision)[place];
  }

  /** Whether a member has something younger than a version. What does not give it any more was read from another entry. */
  #isYounger(member: Member, revision: string): boolean {
    const run = this.targetOf(member)?.run;
    if (!run || run.digest === null) return false;
    const isGiven = this.versions.content(run.revision, member.name) !== undefined;
    return isGiven && this.versions.order(run.revision) > this.versions.order(revision);
  }

  #digestsOf(revision: string): readonly (string | null)[] {
    let digests = this.#digests.get(revision);
    if (!digests) {
      digests = this.versions.digests(revision, this.membership) ?? NONE;
      this.#digests.set(revision, digests);
    }
    return digests;
  }

  setTarget(cluster: string, target: Target): void {
    const own = this.#own();
    own[cluster] = target;
    const at = this.#table?.index.get(cluster);
    this.#changes += 1;
    this.hasChangedTargets = true;
    if (at === undefined) this.#forget(own);
    else this.#table!.set(at, target);
  }

  dropTarget(cluster: string): void {
    const own = this.#own();
    delete own[cluster];
    this.#changes += 1;
    this.hasChangedTargets = true;
    this.#forget(own);
  }

  setRun(cluster: string, run: Run): void {
    const target = this.target(cluster);
    if (target) this.setTarget(cluster, { ...target, run });
  }

  #forget(record: Record<string, Target>): void {
    this.#table = undefined;
    this.#places = undefined;
    forget(record);
  }

  #own(): Record<string, Target> {
    if (!this.#targets) {
      const { targets } = this.#line;
      const isOurs = this.#givenUp && passedOn.has(targets);
      this.#table = isOurs ? this.table : this.table.copy();
      this.#targets = isOurs ? targets : this.#table.toRecord();
      if (this.#givenUp) passedOn.add(this.#targets);
      remember(this.#targets, this.#table);
      this.update({ targets: this.#targets });
    }
    return this.#targets;
  }

  /** Publishes something to a cluster that has a target: the one way in which an attempt begins. */
  publish(
    cluster: string,
    version: Version,
    run: Pick<Run, 'purpose'> & Partial<Pick<Run, 'excused' | 'wasCurrent'>>,
  ): void {
    const { run: _old, late: _late, kept: _kept, ...target } = this.target(cluster)!;
    const late = run.purpose === 'rollout' ? undefined : _late;
    const attempt = nextAttempt(this.#line.attempt, this.now);
    const content = version.contents.get(cluster);
    const fresh: Run = {
      revision: version.revision,
      ...readFrom(version, content ?? this.#entryOf(cluster)),
      digest: content?.digest ?? null,
      attempt,
      publishedHub: this.hub,
      phase: 'published',
      ...run,
    };
    this.update({ attempt });
    this.setTarget(cluster, { ...target, ...(late !== undefined && { late }), run: fresh });
    this.event({ what: 'published', cluster, stage: target.stage, revision: version.revision });
  }

  /** Of what is removed only the entry is read besides. */
  #entryOf(cluster: string): Pick<Content, 'entryRevision'> | undefined {
    const entryRevision = this.membership.byName.get(cluster)?.entryRevision;
    return entryRevision === undefined ? undefined : { entryRevision };
  }

  // ---- stages

  spec(name: string): StageSpec | undefined {
    return this.facts.strategy.stages.find((stage) => stage.name === name);
  }

  stage(name: string): Stage | undefined {
    return this.#line.stages.find((stage) => stage.name === name);
  }

  members(stage: string): readonly Member[] {
    return this.membership.members.get(stage) ?? [];
  }

  setStage(name: string, change: Partial<Stage>): void {
    this.update({
      stages: this.#line.stages.map((stage) => (stage.name === name ? { ...stage, ...change } : stage)),
    });
  }

  setWork(name: string, change: Partial<Work>): void {
    const work = this.stage(name)?.work;
    if (work) this.setStage(name, { work: { ...work, ...change } });
  }

  endWork(name: string): void {
    this.update({
      stages: this.#line.stages.map((stage) => {
        if (stage.name !== name) return stage;
        const { work: _ended, ...rest } = stage;
        return rest;
      }),
    });
  }

  lastPassed(stage: Stage): string | undefined {
    return stage.passed.at(-1);
  }

  /** How many failures a stage bears. */
  maxFailed(stage: string): number {
    return clustersOf(this.facts.strategy.failure.maxFailed, this.members(stage).length);
  }

  maxConcurrent(stage: string): number {
    const members = this.members(stage).length;
    const most = this.spec(stage)?.maxConcurrent;
    return most === undefined ? members : Math.max(1, clustersOf(most, members));
  }
}

/** Records that only steps know which give up what they were handed. */
const passedOn = new WeakSet<object>();

const NONE: readonly null[] = [];

/** Where an agent is to read what a version gives it. */
export const readFrom = (
  version: Version,
  content: Pick<Content, 'entryRevision' | 'revision'> | undefined,
): Pick<Run, 'entryRevision' | 'readAt'> => ({
  entryRevision: content?.entryRevision ?? version.revision,
  ...(content?.revision !== undefined && { readAt: content.revision }),
});

/** What was last published to a cluster; null when nothing was, or when it was removed. */
export const publishedDigest = (run: Run | undefined): string | null => run?.digest ?? null;
