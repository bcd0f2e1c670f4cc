import assert from 'node:assert/strict';
import { milliseconds } from '#proto/documents/common.ts';
import { clustersOf } from '#proto/stages.ts';
import type { LineEvent } from '../events.ts';
import { checkGate, equalsPassed, isAtWork, type Ledger, type Look, runOf } from './ledger.ts';

/** Who is said to have arrived has reported just that, of this attempt (rule 4). */
export function checkReports({ step, placement, was, events }: Look): void {
  for (const { what, cluster, revision } of events) {
    // It may be told something else in the very step in which it was heard.
    const run = was?.targets[cluster ?? '']?.run;
    if ((what !== 'current' && what !== 'removed') || run?.revision !== revision) continue;
    const report = step.facts.reports.get(placement)?.get(cluster!);
    const where = `${cluster} at ${step.now}: ${revision}`;
    assert.equal(report?.attempt, run?.attempt, `called ${what} by another attempt: ${where}`);
    assert.equal(report?.phase, what, `called ${what}, but says otherwise: ${where}`);
    if (what === 'current') assert.equal(report?.digest, run?.digest, `Current on something else: ${where}`);
  }
}

/** A stage takes only what the one before it has passed, and nothing that is over (rules 1 and 2). */
export function checkTaking(look: Look): void {
  const { events, names, line, versions } = look;
  for (const { what, stage, revision, reason } of events) {
    if (what !== 'stageTook') continue;
    // What was taken over, or has regressed elsewhere, may have failed already, and be struck in the very step.
    const isStruck = ({ what, revision: of }: LineEvent) =>
      of === revision && (what === 'rollbackStarted' || what === 'paused');
    if (events.some(isStruck)) continue;
    const at = names.indexOf(stage!);
    const before = line.stages[at - 1];
    const has = before === undefined || before.passed.includes(revision!);
    assert.ok(has, `${stage} took ${revision}, which ${before?.name} has not passed`);
    assert.ok(!line.struck.includes(revision!), `${stage} took ${revision}, which was rolled back`);
    assert.ok(!line.aborted.includes(revision!), `${stage} took ${revision}, which was aborted`);
    if (at === 0) assert.ok(versions.order(revision) >= 0, `${stage} took ${revision}, which is no version`);
    if (reason === 'a revert')
      assert.ok(equalsPassed(look, line.stages[at]!, revision!), `${revision} is no revert for ${stage}`);
  }
}

/** A stage passes by what has happened there, never by silence, and its gates are open (rule 6). */
export function checkPasses(look: Look, ledger: Ledger): void {
  const { placement, events, line, own, members, step } = look;
  for (const { what, stage, revision, reason } of events) {
    if (what !== 'stagePassed') continue;
    const key = `${placement}/${stage}@${revision}`;
    const all = members.get(stage!)!.map(({ name }) => name);
    const where = `${key} at ${step.now}`;
    assert.ok(!line.bus, `passed while the bus is held: ${where}`);
    if (reason === 'nothing changes here') {
      if (!ledger.isExpedited(key)) checkUnchanged(look, stage!, revision!, ledger.evidence(key).size > 0);
      continue;
    }
    // Attempts of this work: others were called by the version's name when it passed.
    const { floor = Number.POSITIVE_INFINITY } =
      look.was?.stages.find(({ name, work }) => name === stage && work?.version === revision)?.work ?? {};
    const runs = all.flatMap((name) => {
      const run = runOf(look, name, revision!);
      // What the head gives again is taken away by nobody, and waited for by nobody.
      const isOver = run?.digest === null && look.versions.head?.contents.has(name);
      return run && run.attempt > floor && !isOver && !ledger.isLate(key, name) ? [run] : [];
    });
    assert.equal(runs.filter(isAtWork).length, 0, `passed while somebody is at work: ${where}`);
    const failed = runs.filter(({ phase, excused }) => phase === 'failed' && !excused).length;
    assert.ok(failed <= clustersOf(own.strategy.failure.maxFailed, all.length), `too many failed: ${where}`);
    if (ledger.isExpedited(key)) continue;
    const changed = Math.max(runs.length, othersOf(look, stage!, revision!).length);
    const needed = Math.max(1, Math.min(own.strategy.failure.minCurrent, changed));
    // Who became Current by it in another stage, and has come here since, has shown it, too.
    const brought = all.filter(
      (name) =>
        ledger.moved.has(`${placement}/${name}@${revision}`) &&
        runOf(look, name, revision!)?.phase === 'current',
    );
    const evidence = new Set([...ledger.evidence(key), ...brought]).size;
    assert.ok(evidence >= needed, `passed without evidence: ${where} ${reason ?? ''}`);
    if (reason !== 'a revert') checkAfter(look, ledger, stage!, revision!, where);
  }
}

/** Targets to whom a version gives something else than what their stage had passed before. */
function othersOf({ was: earlier, line, versions, members }: Look, stage: string, version: string): string[] {
  const { passed } = line.stages.find(({ name }) => name === stage)!;
  const before = passed[passed.lastIndexOf(version) - 1];
  if (versions.order(before) < 0) return [];
  return members.get(stage)!.flatMap(({ name }) => {
    // By passing a stage forgets who had joined it late.
    const target = earlier?.targets[name];
    const [was, is] = [before, version].map((one) => versions.content(one, name)?.digest);
    const isKept = [target, line.targets[name]].some(
      (one) => one?.kept && versions.order(one.run?.revision) > versions.order(version),
    );
    const isTarget = target !== undefined && target.late === undefined && !isKept;
    return isTarget && is !== undefined && was !== is ? [name] : [];
  });
}

/** Nobody who is a target gets anything else by it, and whoever was has not just left. */
function checkUnchanged(look: Look, stage: string, version: string, isShown: boolean): void {
  const { line, versions } = look;
  for (const name of othersOf(look, stage, version)) {
    const isThere = line.targets[name]?.run?.digest === versions.content(version, name)?.digest;
    assert.ok(isThere || isShown, `${stage} passed ${version} as if ${name} were unchanged`);
  }
}

/** Gates are skipped by reverts and by whoever expedites, and by nobody else. */
function checkAfter(look: Look, ledger: Ledger, stage: string, version: string, where: string): void {
  const { own, was, placement, members, step } = look;
  const key = `${placement}/${stage}@${version}`;
  const { hub } = step.advanced.state.clock;
  for (const [index, gate] of own.strategy.stages.find(({ name }) => name === stage)!.after.entries()) {
    checkGate(look, ledger, key, `after/${index}`, gate, where);
    if (gate.soak === undefined) continue;
    for (const { name } of members.get(stage)!) {
      const reached = ledger.reached(key).get(name);
      if (reached === undefined || was?.targets[name]?.run?.revision !== version) continue;
      // Who was given it by a pin, or has joined late, is waited for by nobody.
      const { phase, purpose } = was.targets[name].run;
      if (phase === 'failed' || purpose !== 'rollout' || ledger.isLate(key, name)) continue;
      // Nor is who is held meanwhile.
      if (step.advanced.state.holds[name]) continue;
      assert.ok(hub - reached >= milliseconds(gate.soak), `${name} has not soaked: ${where}`);
    }
  }
}

/** A rollback ends at what was passed last, everywhere, and goes from the last stage to the first (rule 7). */
export function checkRollbacks(look: Look): void {
  const { events, was, line, versions } = look;
  for (const { what, revision } of events) {
    if (what !== 'rollbackEnded') continue;
    // Where a further rollback begins in the same step, its end is the one that counts.
    const still = line.rollback?.stages ?? [];
    const listed = was?.rollback?.stages ?? [];
    for (const { name, passed } of line.stages)
      if (!still.includes(name))
        checkBack(look, name, versions.get(passed.at(-1))?.revision, revision!, listed);
  }
  for (const { what, cluster } of events) {
    const run = what === 'published' ? line.targets[cluster!]?.run : undefined;
    if (run?.purpose === 'rollback') checkOrder(look, cluster!);
  }
}

function isStill({ step, line }: Look, cluster: string): boolean {
  const { facts, advanced } = step;
  const isBlocked = advanced.state.holds[cluster] !== undefined || facts.unreachable.has(cluster);
  return isBlocked || line.pins.length > 0;
}

function checkBack(
  look: Look,
  stage: string,
  passed: string | undefined,
  from: string,
  listed: readonly string[],
) {
  const { members, line, was, versions, own } = look;
  if (passed === undefined) return;
  for (const { name } of members.get(stage)!) {
    const run = line.targets[name]?.run;
    const had = was?.targets[name]?.run;
    // What begins in the same step is another story, and so is what the version did not come to.
    if (!run || isStill(look, name) || own.blocked.has(name) || run.attempt > (was?.attempt ?? 0)) continue;
    if (!listed.includes(stage) && run.revision !== from) continue;
    const wanted: string | undefined = versions.content(passed, name)?.digest;
    const what: string = `${name} of ${stage}, from ${from} back to ${passed}`;
    if (wanted !== undefined) assert.equal(run.digest, wanted, `was not brought back: ${what}`);
    else if (run.digest !== null && (had ?? run).digest !== null)
      assert.equal(run.digest, had?.digest, `has nothing to go back to, and was changed: ${what}`);
  }
}

/** No later stage still has what is taken back, where it could move. */
function checkOrder(look: Look, cluster: string): void {
  const { names, stageOf, members, line, versions, own } = look;
  const { version } = line.rollback ?? look.was?.rollback ?? {};
  for (const stage of names.slice(names.indexOf(stageOf.get(cluster)!) + 1))
    for (const { name } of members.get(stage)!) {
      const run = line.targets[name]?.run;
      const { passed } = line.stages[names.indexOf(stage)]!;
      const wanted = versions.content(passed.at(-1), name)?.digest;
      const isBack = run?.revision !== version || wanted === undefined || run?.digest === wanted;
      const what = `${cluster} goes back before ${name} of ${stage}, which is later`;
      assert.ok(isBack || isStill(look, name) || own.blocked.has(name), what);
    }
}
