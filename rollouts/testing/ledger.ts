import assert from 'node:assert/strict';
import type { GateSpec } from '#proto/documents/strategy.ts';
import type { FleetEvent } from '../advance.ts';
import type { PlacementFacts } from '../facts.ts';
import { type Membership, membershipOf } from '../membership.ts';
import type { Step } from '../rehearsal/world.ts';
import type { Line, Run, Stage } from '../state.ts';
import { type Versions, versionsOf } from '../versions.ts';

/** One placement in one step, before and after it, and what was said of it. */
export type Look = {
  readonly step: Step;
  readonly placement: string;
  readonly own: PlacementFacts;
  readonly versions: Versions;
  readonly members: Membership['members'];
  readonly stageOf: Membership['stageOf'];
  readonly was: Line | undefined;
  readonly line: Line;
  readonly names: readonly string[];
  readonly events: readonly FleetEvent[];
};

export function lookAt(step: Step, placement: string): Look {
  const { facts, before, advanced } = step;
  const own = facts.placements.get(placement)!;
  const { members, stageOf } = membershipOf(facts.clusters, own.strategy.stages);
  const line = advanced.state.lines[placement]!;
  return {
    ...{ step, placement, own, members, stageOf, line },
    versions: versionsOf(own.versions),
    was: before.lines[placement],
    names: line.stages.map(({ name }) => name),
    events: advanced.effects.events.filter((event) => event.placement === placement),
  };
}

/** At work, as everybody can see: told, and neither done nor taken back. */
export const isAtWork = (run: Run | undefined): run is Run =>
  (run?.phase === 'published' || run?.phase === 'started') && run.purpose !== 'recall';

/** A cluster's run of a version as the step saw it; of one that was replaced in it, as far as something was said of it. */
export function runOf({ was, line, events }: Look, cluster: string, version: string): Run | undefined {
  const isIts = (run: Run | undefined) => run?.revision === version && run.purpose === 'rollout';
  const [run, had] = [line.targets[cluster]?.run, was?.targets[cluster]?.run];
  if (isIts(run)) return run;
  if (!had || !isIts(had)) return undefined;
  if (!isAtWork(had)) return had;
  const last = events.findLast((event) => event.cluster === cluster && event.revision === version)?.what;
  return last === 'current' || last === 'removed' || last === 'failed' ? { ...had, phase: last } : undefined;
}

/** Whether a version gives all members of a stage what something else that the stage has passed gives them. */
export function equalsPassed({ versions, members }: Look, { name, passed }: Stage, version: string): boolean {
  const digest = (revision: string, cluster: string) => versions.content(revision, cluster)?.digest;
  const known = passed.filter((one) => one !== version && versions.order(one) >= 0);
  return known.some((one) =>
    members.get(name)!.every((member) => digest(one, member.name) === digest(version, member.name)),
  );
}

/** Somebody has approved, or the webhook has said yes, unless somebody has expedited it. */
export function checkGate(
  { step }: Look,
  ledger: Ledger,
  key: string,
  gate: string,
  { approval, webhook }: GateSpec,
  where: string,
): void {
  if (approval) assert.ok(ledger.isOpen(key, gate), `no approval: ${where}`);
  if (!webhook || ledger.isExpedited(key)) return;
  // Questions are `placement/stage/version/work/gate/round`.
  const asked = [...step.facts.answers].filter(
    ([id]) => id.startsWith(`${key.replace('@', '/')}/`) && id.includes(`/${gate}/`),
  );
  assert.ok(
    asked.some(([, { says }]) => says === 'yes'),
    `its webhook has not said yes: ${where}`,
  );
}

const added = <K, T>(map: Map<K, Set<T>>, key: K, one: T) =>
  map.set(key, (map.get(key) ?? new Set<T>()).add(one));

/** What somebody remembers who only hears what is said and ordered. Keys are `placement/stage@version`. */
export class Ledger {
  /** Gates that people opened; `all` where they expedited the stage. */
  readonly #opened = new Map<string, Set<string>>();
  readonly taken = new Set<string>();
  readonly reverts = new Set<string>();
  /** Clusters that became Current or were removed, ever. */
  readonly #evidence = new Map<string, Set<string>>();
  /** Cluster → hub time at which it became Current last. */
  readonly #reached = new Map<string, Map<string, number>>();
  /** `placement/cluster@version` that was at work or Current there when the cluster came to another stage. */
  readonly moved = new Set<string>();
  /** Clusters that joined a stage while it was at it. */
  readonly #late = new Map<string, Set<string>>();
  /** `placement/cluster` → digests that failed there and were rolled back. */
  readonly #rejected = new Map<string, Set<string>>();
  readonly #seen = new Set<string>();

  /** What it has heard so far, for whoever comes back to this moment. */
  copy(): Ledger {
    const copy = new Ledger();
    for (const [key, one] of this.#opened) copy.#opened.set(key, new Set(one));
    for (const [key, one] of this.#evidence) copy.#evidence.set(key, new Set(one));
    for (const [key, one] of this.#reached) copy.#reached.set(key, new Map(one));
    for (const [key, one] of this.#rejected) copy.#rejected.set(key, new Set(one));
    for (const [key, one] of this.#late) copy.#late.set(key, new Set(one));
    for (const one of this.moved) copy.moved.add(one);
    for (const one of this.taken) copy.taken.add(one);
    for (const one of this.reverts) copy.reverts.add(one);
    for (const one of this.#seen) copy.#seen.add(one);
    return copy;
  }

  isOpen(key: string, gate: string): boolean {
    const opened = this.#opened.get(key);
    return (opened?.has(gate) || opened?.has('all')) ?? false;
  }

  isExpedited(key: string): boolean {
    return this.#opened.get(key)?.has('all') ?? false;
  }

  evidence(key: string): ReadonlySet<string> {
    return this.#evidence.get(key) ?? new Set();
  }

  reached(key: string): ReadonlyMap<string, number> {
    return this.#reached.get(key) ?? new Map();
  }

  isLate(key: string, cluster: string): boolean {
    return this.#late.get(key)?.has(cluster) ?? false;
  }

  isRejected(placement: string, cluster: string, digest: string | null): boolean {
    return digest !== null && (this.#rejected.get(`${placement}/${cluster}`)?.has(digest) ?? false);
  }

  /** What people's orders have said. */
  hearOrder(events: readonly FleetEvent[], versions: (placement: string) => Versions): void {
    for (const { what, placement, stage, revision, gate } of events) {
      const key = `${placement}/${stage}@${revision}`;
      if (what === 'approved') added(this.#opened, key, gate!);
      if (what === 'expedited') added(this.#opened, key, 'all');
      if (what !== 'retried') continue;
      for (const one of this.#opened.keys())
        if (one.startsWith(`${placement}/`) && one.endsWith(`@${revision}`)) this.#opened.delete(one);
      for (const [where, digests] of this.#rejected) {
        const [of, cluster] = where.split('/');
        const digest = versions(of!).content(revision, cluster!)?.digest ?? '';
        if (of === placement && digests.has(digest)) this.#rejected.delete(where);
      }
    }
  }

  hear(look: Look): void {
    const { placement, was, events, line, names, step } = look;
    for (const { name } of was?.stages ?? []) this.#begin(look, name);
    for (const { what, cluster, stage, revision, reason } of events) {
      const key = `${placement}/${stage ?? look.stageOf.get(cluster ?? '')}@${revision}`;
      const had = was?.targets[cluster ?? '']?.run;
      if (what === 'relabelled' && had && (had.phase === 'current' || isAtWork(had)))
        this.moved.add(`${placement}/${cluster}@${had.revision}`);
      if (what === 'joined' || what === 'relabelled') {
        const { work, passed = [] } = was?.stages.find(({ name }) => name === stage) ?? {};
        if (work && passed.length > 0) added(this.#late, `${placement}/${stage}@${work.version}`, cluster!);
      }
      if (what === 'stageTook') {
        this.taken.add(key);
        const own = line.stages[names.indexOf(stage!)]!;
        const isRevert = reason === 'a revert' && equalsPassed(look, own, revision!);
        if (isRevert) this.reverts.add(key);
        else this.reverts.delete(key);
        // Taken anew, with gates that are asked anew: what was heard of it before is of another attempt.
        for (const heard of [this.#opened, this.#evidence, this.#reached, this.#late]) heard.delete(key);
        this.#takeOver(look, key, stage!, revision!);
      }
      if (what === 'current' || what === 'removed') added(this.#evidence, key, cluster!);
      if (what === 'current' || what === 'recovered') {
        const reached = this.#reached.get(key) ?? new Map<string, number>();
        this.#reached.set(key, reached.set(cluster!, step.advanced.state.clock.hub));
      }
      if (what === 'rollbackStarted') this.#reject(look, revision!);
    }
  }

  /** Attempts of a version that its stage takes up again after a loss of state are evidence, where agents say so. */
  #takeOver({ step, placement, was, members }: Look, key: string, stage: string, version: string): void {
    for (const { name } of members.get(stage)!) {
      const { kept, run } = was?.targets[name] ?? {};
      const report = step.facts.reports.get(placement)?.get(name);
      const isIts = kept === 'recovered' && run?.revision === version && report?.attempt === run.attempt;
      if (isIts && report.phase === 'current' && report.digest === run.digest)
        added(this.#evidence, key, name);
    }
  }

  /** What failed at this moment, and made its stage go back. */
  #reject({ placement, was, events, stageOf }: Look, version: string): void {
    const stage = was?.stages.find(({ work }) => work?.version === version)?.name;
    for (const { what, cluster, revision } of events) {
      const run = was?.targets[cluster ?? '']?.run;
      const isIts = what === 'failed' && revision === version && stageOf.get(cluster!) === stage;
      if (isIts && run?.purpose === 'rollout' && run.digest !== null)
        added(this.#rejected, `${placement}/${cluster}`, run.digest);
    }
  }

  /** What a stage was at when it was first seen, it has taken before, and what had become Current by it had. */
  #begin({ placement, was }: Look, name: string): void {
    if (this.#seen.has(`${placement}/${name}`)) return;
    this.#seen.add(`${placement}/${name}`);
    const work = was?.stages.find((stage) => stage.name === name)?.work;
    if (!work) return;
    const key = `${placement}/${name}@${work.version}`;
    this.taken.add(key);
    if (work.revert) this.reverts.add(key);
    for (const [cluster, { stage, run }] of Object.entries(was!.targets))
      if (stage === name && run?.revision === work.version)
        if (run.phase === 'current' || run.phase === 'removed') added(this.#evidence, key, cluster);
  }
}
