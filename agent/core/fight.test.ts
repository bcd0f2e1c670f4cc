import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { backoff } from './backoff.ts';
import { corrected, FIGHT_RULES, type FightState, judgeFight, PEACE } from './fight.ts';

/** A manager that takes the field back 10 ms after each correction. */
function play(until: number): { corrections: number[]; foughtAt: number | undefined; state: FightState } {
  let state = PEACE;
  let now = 0;
  const corrections: number[] = [];
  while (now < until) {
    const verdict = judgeFight(state, ['/data/v'], now, now);
    state = verdict.state;
    if (verdict.type === 'fight') return { corrections, foughtAt: now, state };
    if (verdict.type === 'wait') {
      now = verdict.until;
      continue;
    }
    corrections.push(now);
    state = corrected(state, ['/data/v'], now);
    now += 10;
  }
  return { corrections, foughtAt: undefined, state };
}

test('a stubborn manager is met ever slower and told as a fight within a minute', () => {
  const { corrections, foughtAt } = play(10 * 60_000);
  assert.equal(corrections[0], 0);
  assert.equal(corrections.length, FIGHT_RULES.rounds);
  const gaps = corrections.slice(1).map((time, index) => time - corrections[index]!);
  assert.deepEqual(
    gaps,
    gaps.toSorted((a, b) => a - b),
  );
  assert.ok(foughtAt! < 60_000, `${foughtAt} ms`);
});

test('a fight ends when the field has been calm for a window', () => {
  const { state, foughtAt } = play(10 * 60_000);
  const calm = foughtAt! + FIGHT_RULES.window;
  assert.equal(judgeFight(state, ['/data/v'], calm - 1, foughtAt!).type, 'fight');
  assert.equal(judgeFight(state, ['/data/v'], calm, foughtAt!).type, 'correct');
  assert.equal(judgeFight(state, ['/data/v'], calm, calm - 5).type, 'fight');
});

test('a field that was not corrected lately is corrected at once, whatever happened to others', () => {
  const times = fc.array(fc.nat({ max: 3_600_000 }), { maxLength: 10 });
  fc.assert(
    fc.property(times, (all) => {
      let state = PEACE;
      for (const time of all.toSorted((a, b) => a - b)) state = corrected(state, ['/other'], time);
      assert.equal(judgeFight(state, ['/data/v'], 3_600_000, 3_600_000).type, 'correct');
      const later = 3_600_000 + FIGHT_RULES.window;
      assert.equal(judgeFight(state, ['/other'], later, later).type, 'correct');
    }),
  );
});

test('a delay lies between half and the whole of its step and never above the most', () => {
  fc.assert(
    fc.property(fc.nat({ max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
      const delay = backoff({ first: 100, most: 5_000 }, failures, random);
      const step = failures === 0 ? 0 : Math.min(5_000, 100 * 2 ** (failures - 1));
      assert.ok(delay >= Math.floor(step / 2) && delay <= step);
    }),
  );
});
