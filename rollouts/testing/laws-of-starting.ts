import assert from 'node:assert/strict';
import { milliseconds } from '#proto/documents/common.ts';
import { clustersOf } from '#proto/stages.ts';
import { isAmong } from '../membership.ts';
import type { Run } from '../state.ts';
import { versionsOf } from '../versions.ts';
import { checkGate, isAtWork, type Ledger, type Look } from './ledger.ts';

/** What may be told to a cluster, and when (design/30, rules 1, 3, 5 and 8). */
export function checkStarts(look: Look, ledger: Ledger): void {
  const begun = new Set<string>();
  for (const { what, cluster, revision } of look.events) {
    const run = what === 'published' ? look.line.targets[cluster!]?.run : undefined;
    if (!run || run.revision !== revision) continue;
    const where = `${cluster} at ${look.step.now}: ${run.purpose} of ${revision}`;
    assert.ok(run.attempt > (look.was?.attempt ?? 0), `an attempt is given twice: ${where}`);
    if (run.purpose === 'recall') continue;
    if (!isAtWork(look.was?.targets[cluster!]?.run)) begun.add(look.stageOf.get(cluster!)!);
    checkPlace(look, cluster!, run, where);
    checkContent(look, ledger, cluster!, run, where);
    checkForwards(look, ledger, cluster!, run, where);
    if (run.purpose === 'rollout') checkRollout(look, ledger, cluster!, run, where);
  }
  for (const stage of begun) checkSlots(look, stage);
}

/** Nothing starts where it may not, whatever it is. */
function checkPlace(
  { step, line, names, own, stageOf }: Look,
  cluster: string,
  run: Run,
  where: string,
): void {
  const { facts } = step;
  const { state } = step.advanced;
  const at = names.indexOf(stageOf.get(cluster)!);
  for (const { cause, stage: from, since } of line.pauses) {
    // A pin that starts in the step that judges has started before it.
    if (run.purpose === 'pin' && since === step.now) continue;
    const over = from === undefined || names.indexOf(from) <= at;
    const ignored = run.purpose === 'rollback' && (cause === 'failure' || cause === 'regression');
    assert.ok(!over || ignored, `something starts under a pause (${cause}): ${where}`);
  }
  const entry = facts.clusters.find(({ name }) => name === cluster)!;
  assert.ok(!line.bus, `something starts while the bus is held: ${where}`);
  assert.ok(!state.holds[cluster], `something starts on a held cluster: ${where}`);
  assert.ok(!state.freezes.some(({ whom }) => isAmong(whom, entry)), `starts while frozen: ${where}`);
  assert.ok(!own.blocked.has(cluster) && !entry.blocked, `something starts where it may not: ${where}`);
  assert.ok(!facts.unreachable.has(cluster), `something starts out of reach: ${where}`);
}

function checkContent(look: Look, ledger: Ledger, cluster: string, run: Run, where: string): void {
  const { versions, line, names, stageOf, was, placement } = look;
  const { passed } = line.stages[names.indexOf(stageOf.get(cluster)!)]!;
  // What the stage has passed there stays allowed (rule 1): a rollback goes back to it.
  const isPassed = passed.some((one) => versions.content(one, cluster)?.digest === run.digest);
  const isRejected =
    (run.digest !== null && line.rejected[cluster]?.includes(run.digest)) ||
    ledger.isRejected(placement, cluster, run.digest);
  assert.ok(!isRejected || isPassed, `a rejected digest starts: ${where}`);
  const isTurnedDown = line.struck.includes(run.revision) || line.aborted.includes(run.revision);
  assert.ok(!isTurnedDown || isPassed || run.purpose !== 'pin', `what was turned down is pinned: ${where}`);
  if (run.purpose === 'catch-up' || run.purpose === 'rollback')
    assert.equal(run.revision, passed.at(-1), `told what its stage has not passed last: ${where}`);
  assert.equal(
    run.digest,
    versions.content(run.revision, cluster)?.digest ?? null,
    `another digest: ${where}`,
  );
  if (run.digest !== null) return;

  // Agents refuse to take away what Git gives, or gave younger than the order (design/20): nobody is told to.
  assert.ok(!versions.head?.contents.has(cluster), `what the head gives is taken away: ${where}`);
  const had = was?.targets[cluster]?.run;
  if (had === undefined || had.digest === null || !versions.content(had.revision, cluster)) return;
  const isNewer = versions.order(run.revision) > versions.order(had.revision);
  assert.ok(isNewer, `taken away by something older than ${had.revision}, which it has: ${where}`);
}

/** Who came with something newer to another stage, keeps it (rule 12). */
function checkForwards(
  { placement, was, line, versions }: Look,
  ledger: Ledger,
  cluster: string,
  run: Run,
  where: string,
): void {
  const had = was?.targets[cluster]?.run;
  if (run.purpose !== 'catch-up' || had?.purpose !== 'rollout' || had.phase !== 'current') return;
  const isOut = line.struck.includes(had.revision) || line.rejected[cluster]?.includes(had.digest ?? '');
  if (isOut || !ledger.moved.has(`${placement}/${cluster}@${had.revision}`)) return;
  const isOlder = versions.order(run.revision) < versions.order(had.revision);
  assert.ok(!isOlder, `it came with ${had.revision}, which is newer: ${where}`);
}

/** A target of what a stage works on. */
function checkRollout(look: Look, ledger: Ledger, cluster: string, run: Run, where: string): void {
  const { placement, own, step, names, versions, line, stageOf } = look;
  const stage = stageOf.get(cluster)!;
  const key = `${placement}/${stage}@${run.revision}`;
  assert.ok(ledger.taken.has(key), `its stage never took it: ${where}`);
  assert.ok(!line.aborted.includes(run.revision), `it was aborted: ${where}`);
  assert.ok(!ledger.isLate(key, cluster), `joined late, and is no target of it: ${where}`);
  if (ledger.reverts.has(key)) return;
  for (const [index, gate] of own.strategy.stages[names.indexOf(stage)]!.before.entries())
    checkGate(look, ledger, key, `before/${index}`, gate, where);
  checkWindows(look, ledger, key, cluster, where);
  const { at } = versions.get(run.revision)!;
  for (const name of own.dependsOn) {
    const theirs = versionsOf(step.facts.placements.get(name)!.versions);
    const needed = theirs.inForceAt(at)?.contents.get(cluster)?.digest;
    const there = step.advanced.state.lines[name]?.targets[cluster]?.run;
    const later = (theirs.get(there?.revision)?.at ?? -1) >= at;
    const isThere = there?.phase === 'current' && !there.worse && (there.digest === needed || later);
    assert.ok(needed === undefined || isThere, `starts before ${name}: ${where}`);
  }
}

/** Windows open on the hour here: whether one does is read from the clock alone. */
function checkWindows({ own, step }: Look, ledger: Ledger, key: string, cluster: string, where: string) {
  const entry = step.facts.clusters.find(({ name }) => name === cluster)!;
  const binding = own.strategy.windows.filter(({ selector = {} }) => isAmong({ selector }, entry));
  const isOpen = binding.some(({ duration }) => step.now % 3_600_000 < milliseconds(duration));
  if (binding.length > 0 && !ledger.isExpedited(key)) assert.ok(isOpen, `outside its windows: ${where}`);
}

/** Who begins finds a slot, whoever has the others. */
function checkSlots({ members, own, line, step }: Look, stage: string): void {
  const all = members.get(stage)!;
  const { maxConcurrent } = own.strategy.stages.find(({ name }) => name === stage)!;
  if (!maxConcurrent) return;
  const most = Math.max(1, clustersOf(maxConcurrent, all.length));
  const busy = all.filter(({ name }) => isAtWork(line.targets[name]?.run)).length;
  assert.ok(busy <= most, `${busy} of ${stage} at work where ${most} may be, at ${step.now}`);
}
