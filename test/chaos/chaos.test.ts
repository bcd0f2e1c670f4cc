import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { ChaosFleet, type Live, type Marked, mapId, SECRET } from './fleet.ts';
import { describeHistory, type History, histories, START, type Step } from './histories.ts';

/**
 * kill -9 of every part of the line at named steps, on a real control plane. Each history goes on from the fleet that the one before
 * has left. That a process was at a step is proven by its markers and its state, never by time.
 */
const never = new AbortController().signal;
const all = histories(Number(process.env.FLOTILLA_CHAOS_SEEDS ?? 3));
const foreign: string[] = [];
let fleet: ChaosFleet;
/** The history for which the agent that runs now is armed. */
let armed: History | undefined;
/** The history that did not end well: what comes after it would only repeat its failure. */
let broken: History | undefined;

before(async () => {
  fleet = await ChaosFleet.start(START);
  await fleet.converged(START, undefined, foreign);
  foreign.push(await fleet.makeForeign('somebody-elses'));
  await fleet.agent.service.kill9();
  await startAgent(all[0]);
});

after(() => fleet?.[Symbol.asyncDispose]());

for (const [index, history] of all.entries()) {
  test(describeHistory(history), async () => {
    assert.equal(broken && describeHistory(broken), undefined, 'not played, because another has failed');
    broken = history;
    await play(history, all[index + 1]);
    broken = undefined;
  });
}

async function play(history: History, next: History | undefined): Promise<void> {
  await arm(history);
  const then = await fleet.objects();
  let commit = await fleet.commit(history);
  if (history.dies) await died(fleet[history.dies.of], history.dies);
  if (history.halts) await halted(fleet[history.halts.of], history.halts);
  if (history.reverts) commit = await fleet.line.clone.revert(commit);
  await mend(history);
  await fleet.converged(history.after, commit, foreign);
  const now = await fleet.objects();
  keepsWhatWasNotAskedFor(history, then, now);
  await fleet.agent.service.kill9();
  await startAgent(next);
  await fleet.converged(history.after, commit, foreign);
  assert.deepEqual(versions(await fleet.objects()), versions(now), 'a restart has written something');
}

/** Steps that a restarted agent passes for what it has applied before: once for each of its two placements. */
const BY_RESTORING = { applied: 2 } as const;

function pointOf(of: Step['of'], step: (Step & { nth: number }) | undefined): string | undefined {
  if (step?.of !== of) return undefined;
  const before = step.name === 'applied' ? BY_RESTORING.applied : 0;
  return `${step.name}:${step.nth + before}`;
}

function armamentOf(of: Step['of'], history: History | undefined): NodeJS.ProcessEnv {
  const [stop, pause] = [pointOf(of, history?.dies), pointOf(of, history?.halts)];
  return {
    ...(stop !== undefined && { FLOTILLA_TEST_STOP_AT: stop }),
    ...(pause !== undefined && { FLOTILLA_TEST_PAUSE_AT: pause }),
  };
}

/** Starts it and waits until it is in charge again of everything that it has applied before. */
async function startAgent(next: History | undefined): Promise<void> {
  const { agent } = fleet;
  await agent.start(armamentOf('agent', next));
  armed = next;
  const restored = async () => (agent.times('applied') >= BY_RESTORING.applied ? true : undefined);
  await eventually('the agent restored', restored, PATIENCE_MS, never, () => agent.passed.join(' '));
}

async function startHub(env: NodeJS.ProcessEnv = {}): Promise<void> {
  await fleet.hub.start(env);
  const ready = async (limit: AbortSignal) =>
    (await fetch(`${fleet.line.hubUrl}/readyz`, { signal: limit })).ok ? true : undefined;
  await eventually('the hub ready', ready, PATIENCE_MS, never);
}

/** Both processes are at rest and armed: what they pass from here on comes from the commit. */
async function arm(history: History): Promise<void> {
  if (armed !== history) {
    await fleet.agent.service.kill9();
    await startAgent(history);
  }
  const env = armamentOf('hub', history);
  if (Object.keys(env).length > 0) {
    await fleet.hub.service.stop();
    await startHub(env);
    await fleet.converged(history.before, undefined, foreign);
  }
  for (const step of [history.dies, history.halts]) {
    if (!step) continue;
    const { service, passed } = fleet[step.of];
    assert.ok(service.pid !== undefined && !(await fleet[step.of].isHalted()), `the ${step.of} is running`);
    const before = step.name === 'applied' ? BY_RESTORING.applied : 0;
    assert.equal(fleet[step.of].times(step.name), before, `before the commit: ${passed.join(' ')}`);
  }
}

async function died(who: Marked, step: Step): Promise<void> {
  const gone = async () => (who.service.pid === undefined ? true : undefined);
  await eventually(`death at ${step.name}`, gone, PATIENCE_MS, never, () => who.passed.join(' '));
  assert.equal(who.passed.at(-1), step.name);
}

async function halted(who: Marked, step: Step): Promise<void> {
  const stopped = async () => ((await who.isHalted()) ? true : undefined);
  await eventually(`halt at ${step.name}`, stopped, PATIENCE_MS, never, () => who.passed.join(' '));
  assert.equal(who.passed.at(-1), step.name);
  if (step.name === 'desired-accepted') assert.equal(who.times('fetched'), 0);
}

/** Kills what did not die by itself; then what died comes back and what was halted goes on, in the order of the history. */
async function mend(history: History): Promise<void> {
  const { victim, halts, goesOnFirst } = history;
  const { line } = fleet;
  const server = victim === 'broker' ? line.nats : victim === 'git' ? line.git : undefined;
  await server?.kill9();
  const goOn = () => halts && fleet[halts.of].goOn();
  if (halts && goesOnFirst) {
    goOn();
    await goesAsFarAsItCan(history, halts);
  }
  if (victim === 'hub') await startHub();
  else if (victim === 'agent') await fleet.agent.start();
  else await server?.start();
  if (!goesOnFirst) goOn();
}

/** What was halted goes on while the victim is still dead: waits until it has done all that it can without it. */
async function goesAsFarAsItCan({ victim, after: content }: History, halts: Step): Promise<void> {
  const { agent, line } = fleet;
  if (victim === 'git') return fleet.toldOf(line.git.url);
  if (halts.of === 'hub') {
    const unready = async (limit: AbortSignal) =>
      (await fetch(`${line.hubUrl}/readyz`, { signal: limit })).status === 503 ? true : undefined;
    await eventually('the hub saying that NATS is gone', unready, PATIENCE_MS, never);
    return;
  }
  // The agent needs no hub, and of the broker only its echo before the first write.
  if (victim === 'hub' || halts.name === 'between-writes') return fleet.applied(content, foreign);
  const rendered = async () => (agent.times('rendered') > 0 ? true : undefined);
  await eventually('the change rendered', rendered, PATIENCE_MS, never, () => agent.passed.join(' '));
  assert.equal(agent.times('echoed'), 0, 'something begins before the broker has it');
}

function keepsWhatWasNotAskedFor(
  { change }: History,
  then: ReadonlyMap<string, Live>,
  now: ReadonlyMap<string, Live>,
): void {
  const removed = new Set(change.removed.map(mapId));
  const touched = new Set([...change.edited.map(mapId), SECRET, 'apps/Deployment/web/web']);
  for (const [id, { uid, resourceVersion }] of then) {
    if (removed.has(id)) continue;
    assert.equal(now.get(id)?.uid, uid, `${id} was deleted or made anew`);
    if (!touched.has(id))
      assert.equal(now.get(id)?.resourceVersion, resourceVersion, `${id} was written without need`);
  }
}

const versions = (objects: ReadonlyMap<string, Live>): Record<string, string> =>
  Object.fromEntries([...objects].map(([id, { resourceVersion }]) => [id, resourceVersion]));
