import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, ring } from './testing/lab.ts';
import { openingFor, openingOf } from './windows.ts';

const office = () => ({ cron: '0 8 * * 1-5', duration: '8h', timezone: 'Europe/Berlin' });
const at = (text: string) => Date.parse(text);

test('a window is open from its time on, by the clock of its time zone, on both sides of a change to summer time', () => {
  const window = office();
  for (const [time, open] of [
    ['2026-03-27T06:59:59Z', false],
    ['2026-03-27T07:00:00Z', true],
    ['2026-03-27T14:59:59Z', true],
    ['2026-03-27T15:00:00Z', false],
    ['2026-03-28T10:00:00Z', false],
    ['2026-03-30T05:59:59Z', false],
    ['2026-03-30T06:00:00Z', true],
    ['2026-10-26T06:59:59Z', false],
    ['2026-10-26T07:00:00Z', true],
  ] as const)
    assert.equal(openingOf(window, at(time)).open, open, time);
});

test('a time that a night skips is that of its end, and one that a night has twice opens once', () => {
  const night = { cron: '30 2 * * *', duration: '1h', timezone: 'Europe/Berlin' };
  for (const [from, opens] of [
    ['2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    ['2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z'],
    ['2026-10-25T01:30:00Z', '2026-10-26T01:30:00Z'],
  ] as const)
    assert.deepEqual(openingOf({ ...night }, at(from)), { open: false, until: at(opens) }, from);
});

test('it says until when its answer holds', () => {
  assert.equal(openingOf(office(), at('2026-03-27T16:00:00Z')).until, at('2026-03-30T06:00:00Z'));
  assert.equal(openingOf(office(), at('2026-03-27T09:00:00Z')).until, at('2026-03-27T15:00:00Z'));
});

test('whom no window binds may always start; one of several is enough', () => {
  const berlin = { ...office(), selector: { matchLabels: { region: 'eu' } } };
  const night = {
    cron: '0 2 * * *',
    duration: '1h',
    timezone: 'UTC',
    selector: { matchLabels: { region: 'eu' } },
  };
  const cluster = (region: string) => ({ name: 'c', labels: { region } });
  const sunday = at('2026-03-29T02:30:00Z');
  assert.equal(openingFor([berlin], cluster('us'), sunday).open, true);
  assert.equal(openingFor([berlin], cluster('eu'), sunday).open, false);
  assert.equal(openingFor([berlin, night], cluster('eu'), sunday).open, true);
});

test('closing stops new starts, what is under way finishes, and a revert does not wait', () => {
  const window = { cron: '0 9 * * *', duration: '30s', timezone: 'UTC' };
  const lab = new Lab(
    { all: ['c1', 'c2', 'c3'] },
    { stages: [ring('all', { maxConcurrent: 1 })], windows: [window] },
    { c1: 'a', c2: 'a', c3: 'a' },
  );
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  assert.deepEqual(lab.started('v2'), ['c1', 'c2']);
  assert.equal(lab.target('c2')?.state, 'Current');
  assert.equal(lab.waiting('all'), 'outside the window');
  lab.commit('v3', lab.all('a'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
});
