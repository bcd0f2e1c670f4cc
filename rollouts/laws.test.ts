import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { bad, first, ONE_IN_FOUR, spec, steps } from './testing/happenings.ts';
import { History } from './testing/history.ts';

/** FLOTILLA_RUNS=100000 FLOTILLA_SEED=N looks for new histories. */
const RUNS = Number(process.env.FLOTILLA_RUNS ?? 10_000);

test('whatever happens, in whatever order, the laws of the line hold', { timeout: 3_600_000 }, () => {
  fc.assert(
    fc.property(
      spec,
      bad,
      first,
      ONE_IN_FOUR,
      ONE_IN_FOUR,
      steps(13),
      (strategy, plays, had, depends, heals, all) => {
        const history = new History(strategy, plays as [string, string, string][], had);
        if (depends) history.depend();
        for (const one of all) history.do(one);
        history.end();
        if (heals) history.heal();
      },
    ),
    { numRuns: RUNS },
  );
});

test('states that are given up, and written to by later steps, decide nothing', {
  timeout: 3_600_000,
}, () => {
  fc.assert(
    fc.property(spec, bad, first, ONE_IN_FOUR, steps(19), (strategy, plays, had, depends, all) => {
      const [kept, givenUp] = [true, false].map((isWatched) => {
        const history = new History(strategy, plays as [string, string, string][], had, isWatched);
        if (depends) history.depend();
        for (const one of all) history.do(one);
        return history.lab.world;
      });
      assert.deepEqual(givenUp!.events, kept!.events);
      assert.deepEqual(givenUp!.state, kept!.state);
    }),
    { numRuns: Math.ceil(RUNS / 10) },
  );
});
