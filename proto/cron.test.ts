import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cronFault, parseCron } from './cron.ts';

function parsed(text: string) {
  const cron = parseCron(text);
  assert.ok(!('fault' in cron), JSON.stringify(cron));
  const lists = [cron.minutes, cron.hours, cron.days, cron.months, cron.weekdays].map((set) => [...set]);
  return { lists, eitherDay: cron.eitherDay };
}

test('numbers, names, ranges, steps and lists are read; seven is Sunday', () => {
  const { lists } = parsed('*/20 8-10 1,15 jan-mar/2 mon,7');
  assert.deepEqual(lists, [
    [0, 20, 40],
    [8, 9, 10],
    [1, 15],
    [1, 3],
    [1, 0],
  ]);
  assert.deepEqual(parsed('5/25 0 * * *').lists[0], [5, 30, 55]);
});

test('days of month and of week are joined by or only when both are restricted', () => {
  assert.equal(parsed('0 8 1 * mon').eitherDay, true);
  assert.equal(parsed('0 8 * * mon').eitherDay, false);
  assert.equal(parsed('0 8 1 * *').eitherDay, false);
});

test('what is wrong is said in words', () => {
  const cases: [text: string, says: RegExp][] = [
    ['', /0 fields instead of 5/],
    ['@daily', /1 fields instead of 5/],
    ['60 * * * *', /minute "60" is not between 0 and 59/],
    ['* * 0 * *', /day of month "0"/],
    ['* * * 13 *', /month "13"/],
    ['* * * * 8', /day of week "8"/],
    ['* * * * fri-mon', /ends before it begins/],
    ['*/0 * * * *', /step of 0/],
    ['1-2-3 * * * *', /minute "1-2-3"/],
    ['a * * * *', /minute "a"/],
    ['1, * * * *', /minute ""/],
    ['0 0 30 2 *', /never comes/],
    ['0 0 31 4,jun *', /never comes/],
  ];
  for (const [text, says] of cases) assert.match(cronFault(text) ?? '', says, text);
  for (const text of ['0 0 29 2 *', '0 0 31 4 mon', '0 0 31 * *'])
    assert.equal(cronFault(text), undefined, text);
});
