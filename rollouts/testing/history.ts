import assert from 'node:assert/strict';
import { EMPTY_FLEET, type FleetState, type Whom } from '../state.ts';
import { versionsOf } from '../versions.ts';
import { type Happening, RINGS, type Spec, STAGES, type Stage, type Step } from './happenings.ts';
import { HOUR, Lab, MINUTE, ring } from './lab.ts';
import { Laws } from './laws.ts';

const OVER = ['Succeeded', 'RolledBack', 'Aborted', 'Superseded', 'Failed'];
/** The last of a ring stands for all of it. */
const whomOf = (cluster: string): Whom =>
  cluster === 'e3' || cluster === 'p3'
    ? { selector: { matchLabels: { ring: cluster === 'e3' ? 'early' : 'broad' } } }
    : { cluster };
/** What a hub has saved, and what somebody knew of it then. */
const NOTHING: { state: FleetState; laws: Laws } = { state: EMPTY_FLEET, laws: new Laws() };
const EARLY = { selector: { matchLabels: { ring: 'early' } } };

/** A lab in which anything happens, under the laws of the line. */
export class History {
  readonly lab: Lab;
  laws = new Laws();
  #saved = NOTHING;
  readonly #spec: Spec;
  #commits = 1;
  #depends = false;
  #heard = 0;

  constructor(spec: Spec, plays: [string, string, string][], first: readonly string[], isWatched = true) {
    this.#spec = spec;
    const had = Object.fromEntries(first.map((name) => [name, 'a']));
    this.lab = new Lab(RINGS, spec, first.length === 0 ? undefined : had);
    this.lab.placement('net', [], { stages: STAGES.map((name) => ring(name)) });
    this.lab.placement('base', ['net'], { stages: [{ name: 'all', selector: {}, maxConcurrent: 2 }] });
    for (const [name, of, how] of plays) {
      if (how === 'failed') this.lab.fails(of, name);
      else if (how === 'silent') this.lab.plays.set(`${name}@${of}`, 'silent');
      else this.lab.plays.set(`${name}@${of}`, [{ afterMs: 5 * MINUTE, phase: 'current' }]);
    }
    if (!isWatched) return;
    this.lab.world.watch = (taken) => {
      this.#hear();
      this.laws.check(taken);
    };
  }

  depend(): void {
    this.lab.commit('net1', this.lab.all('x'), [], 'net');
    this.lab.commit('base1', this.lab.all('x'), [], 'base');
    this.lab.dependsOn('app', ['base']);
    this.#depends = true;
    this.lab.pass(MINUTE);
  }

  do([one, ms]: Step): void {
    this.#happen(one);
    if (ms > 0) this.lab.pass(ms);
  }

  #happen(one: Happening): unknown {
    const { lab } = this;
    const { world } = lab;
    switch (one.kind) {
      case 'wait':
        return lab.pass(one.ms);
      case 'commit':
        return this.#commit(one);
      case 'below':
        return this.#commitBelow(one);
      case 'offline':
        return lab.offline(one.cluster);
      case 'online':
        return lab.online(one.cluster);
      case 'outage':
        return lab.offline(...one.clusters);
      case 'return':
        return lab.online(...one.clusters);
      case 'ail':
        world.agents.say(one.cluster, 'app', 'failed');
        world.settle();
        return lab.pass(11 * MINUTE);
      case 'answer':
        world.answer = () => ({ says: one.says });
        return undefined;
      case 'join':
        return lab.join(one.cluster, one.ring, 'p1');
      case 'relabel':
        return world.snapshot.clusters.some(({ name }) => name === one.cluster)
          ? lab.relabel(one.cluster, one.ring)
          : undefined;
      case 'leave':
        return lab.leave(one.cluster);
      case 'hold':
        return void lab.fleet({ kind: 'hold', cluster: one.cluster, by: 'bob' });
      case 'release':
        return void lab.fleet({ kind: 'release', cluster: this.#heldOr(one.cluster), by: 'bob' });
      case 'freeze':
      case 'unfreeze':
        return void lab.fleet({
          kind: one.kind,
          whom: EARLY,
          by: 'bob',
        });
      case 'pin':
        return void lab.order({ kind: 'pin', whom: whomOf(one.cluster), revision: 'v1' });
      case 'pin newest': {
        const revision = lab.versions().at(-1)?.revision;
        return void (revision && lab.order({ kind: 'pin', whom: whomOf(one.cluster), revision }));
      }
      case 'unpin':
        return void lab.order({
          kind: 'unpin',
          whom: lab.line()?.pins[0]?.whom ?? whomOf(one.cluster),
        });
      case 'approve':
      case 'deny':
        return void lab.order({ kind: one.kind, stage: this.#workingOr(one.stage), groups: ['ops'] });
      case 'expedite':
        return void lab.order({ kind: 'expedite', stages: [this.#workingOr(one.stage)] });
      case 'resume':
        void lab.fleet({ kind: 'resumeRecovered', by: 'bob', reason: 'looked at' });
        return void lab.order({ kind: 'resume' });
      case 'blackout':
        world.counting = false;
        lab.pass(3 * HOUR);
        world.counting = true;
        return lab.refresh();
      case 'edit':
        return lab.strategy({ ...this.#spec, stages: this.#edited(one.to) });
      case 'block':
      case 'unblock':
        return lab.block(one.cluster, one.kind === 'block' ? 'held until it is approved' : undefined);
      case 'backup':
        // As a backup is: nothing that goes on writes to it.
        this.#saved = { state: structuredClone(world.state), laws: this.laws.copy() };
        return undefined;
      case 'restore':
      case 'lose': {
        // What was approved since is not known any more: nothing that follows may rest on it.
        const { state, laws } = one.kind === 'lose' ? NOTHING : this.#saved;
        this.laws = laws.copy();
        return lab.lose(state);
      }
      case 'resumeRecovered':
        return void lab.fleet({ kind: 'resumeRecovered', by: 'bob', reason: 'looked at' });
      case 'say':
        world.agents.say(one.cluster, 'app', one.phase);
        return world.settle();
      case 'stale':
        return this.#stale(one.cluster, one.phase);
      default:
        return void lab.order({ kind: one.kind });
    }
  }

  /** Who is held, so that what is ordered is rarely refused. */
  #heldOr(cluster: string): string {
    const { holds } = this.lab.world.state;
    return holds[cluster] ? cluster : (Object.keys(holds)[0] ?? cluster);
  }

  #workingOr(stage: string): string {
    const { stages = [] } = this.lab.line() ?? {};
    const at = stages.filter(({ work }) => work).map(({ name }) => name);
    return at.includes(stage) ? stage : (at[0] ?? stage);
  }

  /** Stages in another order, one fewer, another one first, another one last; nobody is left without a stage. */
  #edited(to: Extract<Happening, { kind: 'edit' }>['to']): Spec['stages'] {
    const [canary, early, broad] = this.#spec.stages as [Stage, Stage, Stage];
    switch (to) {
      case 'swapped':
        return [early, canary, broad];
      case 'merged':
        return [canary, { ...early, selector: {} }];
      case 'led':
        return [{ ...broad, name: 'lead', selector: early.selector }, canary, early, broad];
      case 'ended':
        return [canary, early, { ...early, name: 'end', selector: {} }];
      case 'as before':
        return this.#spec.stages;
    }
  }

  #commit({ all, but, without, base }: Extract<Happening, { kind: 'commit' }>): void {
    const { lab } = this;
    const contents: Record<string, string> = { ...lab.all(all) };
    if (but && but[0] in contents) contents[but[0]] = but[1];
    for (const name of without) delete contents[name];
    const below = this.#depends && base ? lab.all(base) : undefined;
    const changes = {
      ...(this.#isNew('app', contents) && { app: contents }),
      ...(below && this.#isNew('base', below) && { base: below }),
    };
    if (Object.keys(changes).length > 0) lab.commitTo(`v${++this.#commits}`, changes);
  }

  #commitBelow({ placement, all, without }: Extract<Happening, { kind: 'below' }>): void {
    const { lab } = this;
    if (!this.#depends) return;
    const contents: Record<string, string> = { ...lab.all(all) };
    for (const name of without) delete contents[name];
    if (this.#isNew(placement, contents)) lab.commitTo(`v${++this.#commits}`, { [placement]: contents });
  }

  #isNew(placement: string, contents: Readonly<Record<string, string>>): boolean {
    const head = this.lab.versions(placement).at(-1);
    return (
      head?.contents.size !== Object.keys(contents).length ||
      Object.entries(contents).some(([name, one]) => head.contents.get(name)?.digest !== one)
    );
  }

  /** What people order is said in the record before anything follows from it. */
  #hear(): void {
    const { events } = this.lab.world;
    this.laws.hearOrder(events.slice(this.#heard), (placement) => versionsOf(this.lab.versions(placement)));
    this.#heard = events.length;
  }

  /** Reports for another attempt never count, and what is said twice counts once. */
  #stale(name: string, phase: 'failed' | 'current' | 'applying'): void {
    const { world } = this.lab;
    const run = this.lab.line()?.targets[name]?.run;
    // A line that is recovered goes by what agents have, whoever told them to.
    if (!run || this.lab.line().pauses.some(({ cause }) => cause === 'recovered')) return;
    const said = world.facts.reports.get('app')?.get(name);
    const before = JSON.stringify(world.state.lines);
    const stale = [-1, 1].map((by) => ({ attempt: run.attempt + by, phase, digest: run.digest ?? 'x' }));
    for (const report of [...stale, ...(said ? [said, { ...said }] : [])]) {
      world.agents.sayStale(name, 'app', report);
      world.settle();
      assert.equal(JSON.stringify(world.state.lines), before);
    }
  }

  /** Nothing waits for ever without saying why. */
  end(): void {
    const { lab } = this;
    lab.pass(48 * HOUR);
    const head = lab.versions().at(-1);
    if (!head || !lab.line()) return;
    const phase = lab.phase(head.revision);
    if (OVER.includes(phase)) return;
    const stages = JSON.stringify(lab.line().stages);
    assert.ok(lab.words().length > 0, `${head.revision} is ${phase} and nobody says why: ${stages}`);
  }

  /** Whatever has happened: once clusters are well and people let it go on, a good commit reaches everybody. */
  heal(): void {
    const { lab } = this;
    const { world } = lab;
    lab.plays.clear();
    world.counting = true;
    const names = world.snapshot.clusters.map(({ name }) => name);
    lab.online(...names);
    world.answer = () => ({ says: 'yes' });
    for (const { whom } of lab.line()?.pins ?? []) void lab.order({ kind: 'unpin', whom });
    for (const cluster of lab.blocked) lab.block(cluster, undefined);
    for (const cluster of Object.keys(world.state.holds))
      void lab.fleet({ kind: 'release', cluster, by: 'bob' });
    void lab.fleet({ kind: 'unfreeze', whom: EARLY, by: 'bob' });
    void lab.fleet({ kind: 'resumeRecovered', by: 'bob', reason: 'looked at' });
    const placements = [...world.snapshot.placements.keys()].filter((name) => lab.versions(name).length > 0);
    lab.commitTo('good', Object.fromEntries([...placements, 'app'].map((name) => [name, lab.all('good')])));
    for (let hours = 0; hours < 24 && lab.phase('good') !== 'Succeeded'; hours++) {
      for (const name of [...placements, 'app'])
        if (lab.isPaused(name)) void lab.order({ kind: 'resume' }, 'bob', name);
      for (const { name, work } of lab.line().stages)
        if (work?.waiting?.includes('approval'))
          void lab.order({ kind: 'approve', stage: name, groups: ['ops'] });
      lab.pass(HOUR);
    }
    const about = () => JSON.stringify({ words: lab.words(), states: lab.states, stages: lab.line().stages });
    assert.equal(lab.phase('good'), 'Succeeded', `a good commit waits for ever: ${about()}`);
    for (const name of names) {
      const { state, run } = lab.target(name) ?? {};
      assert.equal(`${run?.digest} ${state}`, 'good Current', `${name} was left behind: ${about()}`);
    }
  }
}
