import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import { EMPTY_FLEET, type FleetState } from './state.ts';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';
import { Laws } from './testing/laws.ts';
import { versionsOf } from './versions.ts';

/** The same histories every time, so that a failure is of the change at hand; FLOTILLA_RUNS=100000 FLOTILLA_SEED=N looks for new ones. */
const RUNS = Number(process.env.FLOTILLA_RUNS ?? 10_000);
const SEED = { seed: Number(process.env.FLOTILLA_SEED ?? 7) };

const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2', 'e3'], broad: ['p1', 'p2', 'p3'] };
const STAGES = Object.keys(RINGS);
const ALL = Object.values(RINGS).flat();
const CLUSTERS = [...ALL, 'j1', 'j2'];
type Spec = RolloutStrategy['spec'];
type Stage = Spec['stages'][number];

type Gate = NonNullable<Spec['stages'][number]['before']>[number];
const approval: Gate = { approval: { groups: ['ops'] } };
const stage = (name: string): fc.Arbitrary<Spec['stages'][number]> =>
  fc
    .record(
      {
        maxConcurrent: fc.constantFrom(1, 2, '50%'),
        before: fc.constant<Gate[]>([approval]),
        after: fc.constantFrom<Gate[][]>([{ soak: '10m' }], [approval], [{ soak: '1m' }, approval]),
      },
      { requiredKeys: [] },
    )
    .map((more) => ring(name, more));
const spec: fc.Arbitrary<Spec> = fc
  .record({
    stages: fc.tuple(...STAGES.map(stage)),
    failure: fc.record(
      {
        maxFailed: fc.constantFrom(0, 1, '50%'),
        action: fc.constantFrom('pause' as const, 'rollback' as const),
        minCurrent: fc.constantFrom(1, 2),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ stages, failure }) => ({ stages: [...stages], failure }));

const cluster = fc.constantFrom(...CLUSTERS);
const digest = fc.constantFrom('a', 'b', 'c', 'd');
/** What a placement that others depend on is given. */
const under = fc.constantFrom('x', 'y', 'z');
/** Clusters that a commit does not select. */
const some = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.uniqueArray(cluster, { minLength: 1, maxLength: 5 }) },
);
const stageName = fc.constantFrom(...STAGES);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(5_000, 25_000, 90_000, 11 * MINUTE, HOUR),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      all: digest,
      but: fc.option(fc.tuple(cluster, digest)),
      without: some,
      base: fc.option(under),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('below' as const),
      placement: fc.constantFrom('base', 'net'),
      all: under,
      without: some,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('offline' as const, 'online' as const), cluster }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('join' as const, 'relabel' as const),
      cluster,
      ring: stageName,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'leave' as const,
        'hold' as const,
        'release' as const,
        'pin' as const,
        'unpin' as const,
        'block' as const,
        'unblock' as const,
      ),
      cluster,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('approve' as const, 'expedite' as const, 'deny' as const),
      stage: stageName,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'pause' as const,
        'resume' as const,
        'retry' as const,
        'abort' as const,
        'rollback' as const,
        'freeze' as const,
        'unfreeze' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('blackout' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('edit' as const),
      to: fc.constantFrom(
        'swapped' as const,
        'merged' as const,
        'led' as const,
        'ended' as const,
        'as before' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'backup' as const,
        'restore' as const,
        'lose' as const,
        'resumeRecovered' as const,
        'resumeRecovered' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('say' as const, 'stale' as const),
      cluster,
      phase: fc.constantFrom('failed' as const, 'current' as const, 'applying' as const),
    }),
  },
);
type Happening = typeof step extends fc.Arbitrary<infer T> ? T : never;
/** Who has the placement at the beginning: nobody, some, or all. */
const first = fc.oneof(fc.constant([]), fc.constant(ALL), fc.subarray(ALL, { minLength: 3 }));
const ONE_IN_FOUR = fc.nat(3).map((lot) => lot === 0);
const bad = fc.array(
  fc.tuple(cluster, fc.oneof(digest, under), fc.constantFrom('failed', 'silent', 'slow')),
  {
    maxLength: 4,
  },
);

class History {
  readonly lab: Lab;
  laws = new Laws();
  #saved: FleetState = EMPTY_FLEET;
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

  do(one: Happening): unknown {
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
      case 'join':
        return lab.join(one.cluster, one.ring, 'p1');
      case 'relabel':
        return world.snapshot.clusters.some(({ name }) => name === one.cluster)
          ? lab.relabel(one.cluster, one.ring)
          : undefined;
      case 'leave':
        return lab.leave(one.cluster);
      case 'hold':
      case 'release':
        return void lab.fleet({ kind: one.kind, cluster: one.cluster, by: 'bob' });
      case 'freeze':
      case 'unfreeze':
        return void lab.fleet({
          kind: one.kind,
          whom: EARLY,
          by: 'bob',
        });
      case 'pin':
        return void lab.order({ kind: 'pin', whom: { cluster: one.cluster }, revision: 'v1' });
      case 'unpin':
        return void lab.order({ kind: 'unpin', whom: { cluster: one.cluster } });
      case 'approve':
      case 'deny':
        return void lab.order({ kind: one.kind, stage: one.stage, groups: ['ops'] });
      case 'expedite':
        return void lab.order({ kind: 'expedite', stages: [one.stage] });
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
        this.#saved = structuredClone(world.state);
        return undefined;
      case 'restore':
      case 'lose':
        // What was approved before is not known any more: nothing that follows may rest on it.
        this.laws = new Laws();
        return lab.lose(one.kind === 'lose' ? EMPTY_FLEET : this.#saved);
      case 'resumeRecovered':
        return void lab.fleet({ kind: 'resumeRecovered', by: 'bob', reason: 'looked at' });
      case 'say':
        world.say(one.cluster, 'app', one.phase);
        return world.settle();
      case 'stale':
        return this.#stale(one.cluster, one.phase);
      default:
        return void lab.order({ kind: one.kind });
    }
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

  /** Reports for another attempt never count. */
  #stale(name: string, phase: 'failed' | 'current' | 'applying'): void {
    const { world } = this.lab;
    const run = this.lab.line()?.targets[name]?.run;
    if (run?.phase !== 'published') return;
    const before = JSON.stringify(world.state.lines);
    world.sayStale(name, 'app', { attempt: run.attempt - 1, phase, digest: run.digest ?? 'x' });
    world.settle();
    assert.equal(JSON.stringify(world.state.lines), before);
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
    for (const cluster of names) {
      lab.block(cluster, undefined);
      void lab.fleet({ kind: 'release', cluster, by: 'bob' });
      void lab.order({ kind: 'unpin', whom: { cluster } });
    }
    void lab.fleet({ kind: 'unfreeze', whom: EARLY, by: 'bob' });
    void lab.fleet({ kind: 'resumeRecovered', by: 'bob', reason: 'looked at' });
    const placements = [...world.snapshot.placements.keys()].filter((name) => lab.versions(name).length > 0);
    lab.commitTo('good', Object.fromEntries([...placements, 'app'].map((name) => [name, lab.all('good')])));
    for (let hours = 0; hours < 24 && lab.phase('good') !== 'Succeeded'; hours++) {
      for (const name of [...placements, 'app']) void lab.order({ kind: 'resume' }, 'bob', name);
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
const OVER = ['Succeeded', 'RolledBack', 'Aborted', 'Superseded', 'Failed'];
const EARLY = { selector: { matchLabels: { ring: 'early' } } };

test('whatever happens, in whatever order, the laws of the line hold', { timeout: 3_600_000 }, () => {
  fc.assert(
    fc.property(
      spec,
      bad,
      first,
      ONE_IN_FOUR,
      ONE_IN_FOUR,
      fc.array(step, { maxLength: 14 }),
      (strategy, plays, had, depends, heals, steps) => {
        const history = new History(strategy, plays as [string, string, string][], had);
        if (depends) history.depend();
        for (const one of steps) history.do(one);
        history.end();
        if (heals) history.heal();
      },
    ),
    { numRuns: RUNS, ...SEED },
  );
});

test('states that are given up, and written to by later steps, decide nothing', {
  timeout: 3_600_000,
}, () => {
  fc.assert(
    fc.property(
      spec,
      bad,
      first,
      ONE_IN_FOUR,
      fc.array(step, { maxLength: 20 }),
      (strategy, plays, had, depends, steps) => {
        const [kept, givenUp] = [true, false].map((isWatched) => {
          const history = new History(strategy, plays as [string, string, string][], had, isWatched);
          if (depends) history.depend();
          for (const one of steps) history.do(one);
          return history.lab.world;
        });
        assert.deepEqual(givenUp!.events, kept!.events);
        assert.deepEqual(givenUp!.state, kept!.state);
      },
    ),
    { numRuns: Math.ceil(RUNS / 10), ...SEED },
  );
});
