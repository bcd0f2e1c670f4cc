import assert from 'node:assert/strict';
import { clustersOf } from '#proto/stages.ts';
import { advance } from '../advance.ts';
import { publishedDigest } from '../draft.ts';
import type { Version } from '../facts.ts';
import { membershipOf } from '../membership.ts';
import type { Step } from '../rehearsal/world.ts';
import type { Line, Run } from '../state.ts';
import { isBusy } from '../target-table.ts';
import { type Versions, versionsOf } from '../versions.ts';

/**
 * What holds at every step whatever happens (issue 7, must hold 2), judged from what was published and said, not by asking the
 * machine. One for each history.
 */
export class Laws {
  /** `placement/stage@version` that a person approved or expedited. */
  readonly #let = new Set<string>();
  /** `placement/stage` → versions it has ever passed. */
  readonly #passed = new Map<string, Set<string>>();
  /** The same, in which somebody became Current or was removed. */
  readonly #evidence = new Set<string>();
  /** The same, that a stage took, from the branch or from the stage before it. */
  readonly #taken = new Set<string>();
  steps = 0;

  letThrough(placement: string, stage: string, version: string | undefined): void {
    if (version !== undefined) this.#let.add(`${placement}/${stage}@${version}`);
  }

  check(step: Step): void {
    this.steps += 1;
    this.#checkReplay(step);
    for (const [placement, line] of Object.entries(step.advanced.state.lines))
      this.#checkLine(step, placement, step.before.lines[placement], line);
  }

  /** The same facts give the same decisions, from saved state and from its own result. */
  #checkReplay({ before, facts, now, only, advanced }: Step): void {
    const saved = JSON.parse(JSON.stringify(before));
    const again = advance(saved, facts, now, only);
    assert.deepEqual(again.state, advanced.state, 'state read back from JSON decides otherwise');
    assert.deepEqual(again.effects.events, advanced.effects.events);
    const twice = advance(advanced.state, facts, now, only);
    assert.deepEqual(twice.state, advanced.state, 'not idempotent on its own result');
    assert.deepEqual(twice.effects.published, []);
  }

  /** What a stage was at when it was first seen, it has taken before, and what had become Current by it had. */
  #begin(placement: string, name: string, { stages, targets }: Line): void {
    const work = stages.find((stage) => stage.name === name)?.work;
    if (!work) return;
    const version = `${placement}/${name}@${work.version}`;
    this.#taken.add(version);
    const has = Object.values(targets).some(
      ({ stage, run }) =>
        stage === name &&
        run?.revision === work.version &&
        (run.phase === 'current' || run.phase === 'removed'),
    );
    if (has) this.#evidence.add(version);
  }

  #checkLine(step: Step, placement: string, was: Line | undefined, line: Line): void {
    const { facts, advanced, now } = step;
    const own = facts.placements.get(placement)!;
    const versions = versionsOf(own.versions);
    const { members, stageOf } = membershipOf(facts.clusters, own.strategy.stages);
    const names = line.stages.map(({ name }) => name);
    for (const [at, name] of names.entries()) {
      if (was && !this.#passed.has(`${placement}/${name}`)) this.#begin(placement, name, was);
      const passed = this.#passed.get(`${placement}/${name}`) ?? new Set();
      for (const one of line.stages[at]!.passed) passed.add(one);
      this.#passed.set(`${placement}/${name}`, passed);
    }
    const events = advanced.effects.events.filter((event) => event.placement === placement);
    for (const { what, stage, revision } of events) {
      if (what !== 'stageTook') continue;
      const at = names.indexOf(stage!);
      const before = names[at - 1];
      const has = before === undefined || this.#passed.get(`${placement}/${before}`)?.has(revision!);
      assert.ok(has, `${stage} took ${revision}, which ${before} has not passed`);
      this.#taken.add(`${placement}/${stage}@${revision}`);
    }
    for (const { what, stage, revision } of events)
      if (what === 'current' || what === 'removed') this.#evidence.add(`${placement}/${stage}@${revision}`);

    const started = new Map<string, number>();
    for (const { what, cluster, revision } of events) {
      if (what !== 'published') continue;
      const run = line.targets[cluster!]?.run;
      if (!run || run.revision !== revision || run.purpose === 'recall') continue;
      const stage = stageOf.get(cluster!)!;
      const at = names.indexOf(stage);
      started.set(stage, (started.get(stage) ?? 0) + 1);
      const where = `${cluster} of ${stage} at ${now}: ${run.purpose} of ${revision}`;

      // What the stage has passed there stays allowed (rule 1): a rollback goes back to it.
      const isPassed = line.stages[at]!.passed.some(
        (one) => versions.get(one)?.contents.get(cluster!)?.digest === run.digest,
      );
      const rejected = run.digest !== null && line.rejected[cluster!]?.includes(run.digest);
      assert.ok(!rejected || isPassed, `a rejected digest starts: ${where}`);
      for (const { cause, stage: from } of line.pauses) {
        const over = from === undefined || names.indexOf(from) <= at;
        const ignored = run.purpose === 'rollback' && (cause === 'failure' || cause === 'rollback');
        assert.ok(!over || ignored, `something starts under a pause (${cause}): ${where}`);
      }
      assert.ok(!line.bus, `something starts while the bus is held: ${where}`);
      assert.ok(!step.before.holds[cluster!], `something starts on a held cluster: ${where}`);
      assert.ok(!facts.unreachable.has(cluster!), `something starts out of reach: ${where}`);
      if (run.digest === null) checkRemoval(versions, cluster!, was?.targets[cluster!]?.run, run, where);
      if (run.purpose === 'catch-up') {
        const passed = line.stages[at]!.passed.at(-1);
        assert.equal(revision, passed, `caught up with what has not passed: ${where}`);
      }
      if (run.purpose !== 'rollout') continue;
      assert.ok(this.#taken.has(`${placement}/${stage}@${revision}`), `its stage never took it: ${where}`);
      const gates = own.strategy.stages[at]!.before;
      const work = line.stages[at]!.work;
      if (gates.some(({ approval }) => approval) && !work?.revert)
        assert.ok(this.#let.has(`${placement}/${stage}@${revision}`), `no approval: ${where}`);
      const dependency = own.dependsOn.find((name) => {
        const theirs = versionsOf(facts.placements.get(name)!.versions);
        const needed = theirs.inForceAt(versions.get(revision)!.at)?.contents.get(cluster!)?.digest;
        const there = advanced.state.lines[name]?.targets[cluster!]?.run;
        const later = (theirs.get(there?.revision)?.at ?? -1) >= versions.get(revision)!.at;
        return needed !== undefined && !(there?.phase === 'current' && (there.digest === needed || later));
      });
      assert.ok(dependency === undefined || work?.revert, `starts before ${dependency}: ${where}`);
    }
    for (const [stage, count] of started) {
      const all = members.get(stage)!;
      const spec = own.strategy.stages.find(({ name }) => name === stage)!;
      const most = spec.maxConcurrent
        ? Math.max(1, clustersOf(spec.maxConcurrent, all.length))
        : Number.POSITIVE_INFINITY;
      const busy = (of: Line | undefined) => all.filter(({ name }) => isBusy(of?.targets[name]?.run)).length;
      assert.ok(
        busy(line) <= Math.max(most, busy(was)),
        `${busy(line)} > ${most} at work after ${count} starts`,
      );
    }

    for (const { what, stage, revision, reason } of events) {
      if (what === 'stagePassed' && reason !== 'nothing changes here') {
        const key = `${placement}/${stage}@${revision}`;
        assert.ok(
          this.#evidence.has(key) || this.#let.has(key),
          `passed without evidence: ${key} ${reason ?? ''}`,
        );
      }
      if (what !== 'rollbackEnded') continue;
      // Where a further rollback begins in the same step, its end is the one that counts.
      const back = was?.rollback?.stages.filter((name) => !line.rollback?.stages.includes(name)) ?? [];
      for (const { name, passed } of line.stages.filter((one) => back.includes(one.name))) {
        const version: Version | undefined = versions.get(passed.at(-1));
        if (!version) continue;
        for (const member of members.get(name)!) {
          const run = line.targets[member.name]?.run;
          const away = facts.unreachable.has(member.name) || step.before.holds[member.name];
          const pinned = line.pins.length > 0;
          // What begins in the same step is another story.
          if (!run || away || pinned || run.attempt > (was?.attempt ?? 0)) continue;
          const wanted: string | undefined = version.contents.get(member.name)?.digest;
          const had = was?.targets[member.name]?.run;
          const what: string = `${member.name} of ${name}, back to ${version.revision}`;
          if (wanted !== undefined)
            assert.equal(publishedDigest(run), wanted, `was not brought back: ${what}`);
          else if (run.digest !== null && publishedDigest(had ?? run) !== null)
            assert.equal(run.digest, had?.digest, `has nothing to go back to, and was changed: ${what}`);
        }
      }
    }
  }
}

/** Agents refuse to take away what Git gives, or gave younger than the order (design/20): nobody is told to. */
function checkRemoval(versions: Versions, cluster: string, had: Run | undefined, run: Run, where: string) {
  assert.ok(!versions.head?.contents.has(cluster), `what the head gives is taken away: ${where}`);
  if (had === undefined || had.digest === null || !versions.content(had.revision, cluster)) return;
  const isNewer = versions.order(run.revision) > versions.order(had.revision);
  assert.ok(isNewer, `taken away by something older than ${had.revision}, which it has: ${where}`);
}
