import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { DIRECTORIES, VALID } from '#test/fixtures/fleets.ts';
import { validateTree } from './validation.ts';

const OVERLAYS = Object.fromEntries(
  DIRECTORIES.map((directory) => [
    `${directory}/kustomization.yaml`,
    directory.includes('/components/') ? 'kind: Component\n' : 'resources: []\n',
  ]),
);
const FILE = 'rollouts/odd.yaml';
const strategy = (stage: string, rest = '') => `apiVersion: flotilla.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: odd }
spec:
  stages: [{ name: all, selector: {}, ${stage} }]
${rest}`;
const window = (fields: string) => strategy('', `  windows: [{ ${fields} }]\n`);

/** What can never go forward, or means nothing, is told by `validate`, at its place. */
const CASES: readonly (readonly [law: string, text: string, at: string, says: RegExp])[] = [
  ['a window of no length', window("cron: '0 9 * * *', duration: 0s, timezone: UTC"), '6:44', /never opens/],
  [
    'a window on a day that does not exist',
    window("cron: '0 9 30 2 *', duration: 1h, timezone: UTC"),
    '6:21',
    /never comes: day 30 of month 2/,
  ],
  [
    'a window at an hour that does not exist',
    window("cron: '0 25 * * *', duration: 1h, timezone: UTC"),
    '6:21',
    /hour/,
  ],
  [
    'a window nowhere',
    window("cron: '0 9 * * *', duration: 1h, timezone: Europe/Berln"),
    '6:58',
    /not a time zone/,
  ],
  ['nobody at a time', strategy('maxConcurrent: 0'), '5:54', /nothing would ever start/],
  ['no share at a time', strategy("maxConcurrent: '0%'"), '5:54', /nothing would ever start/],
  ['fewer than nobody at a time', strategy('maxConcurrent: -1'), '5:54', /nothing would ever start/],
  ['more than all at a time', strategy("maxConcurrent: '101%'"), '5:54', /more than all: 100% is the most/],
  [
    'more failures than all',
    strategy('', "  failure: { maxFailed: '150%' }\n"),
    '6:25',
    /more than all: 100% is the most/,
  ],
  [
    'more than all offline',
    strategy('', "  offline: { max: '120%' }\n"),
    '6:19',
    /more than all: 100% is the most/,
  ],
  ['success of nobody', strategy('', '  failure: { minCurrent: 0 }\n'), '6:26', /must be at least 1/],
  ['an approval by nobody', strategy('after: [{ approval: { groups: [] } }]'), '5:69', /./],
  [
    'no approvals needed',
    strategy('after: [{ approval: { groups: [a], count: 0 } }]'),
    '5:81',
    /must be at least 1/,
  ],
  [
    'more approvals than people',
    strategy('after: [{ approval: { groups: [a], count: 101 } }]'),
    '5:81',
    /: more than 100, which is the most$/,
  ],
  ['a soak before anything runs', strategy('before: [{ soak: 1h }]'), '5:48', /soak belongs in `after`/],
  ['half a cluster at a time', strategy('maxConcurrent: 1.5'), '5:54', /takes a whole number of clusters/],
  ['a number in quotes', strategy("maxConcurrent: '3'"), '5:54', /write 3 without quotes, or 3%/],
  ['half a percent at a time', strategy('maxConcurrent: 0.5%'), '5:54', /not a whole percentage from 0% to/],
  ['none at a time, in other words', strategy("maxConcurrent: '00%'"), '5:54', /the least, or 1%$/],
  ['fewer failures than none', strategy('', '  failure: { maxFailed: -5% }\n'), '6:25', /0% is the least/],
  ['a share that is none', strategy('', '  offline: { max: 20 }\n'), '6:19', /100%: write 20%$/],
  ['success of a half', strategy('', '  failure: { minCurrent: 1.5 }\n'), '6:26', /takes a whole number$/],
  ['a soak without a unit', strategy('after: [{ soak: 30 }]'), '5:55', /takes a duration with its unit/],
  ['a soak of fractions', strategy('after: [{ soak: 1.5h }]'), '5:55', /as in 1h30m/],
  ['a soak of years', strategy('after: [{ soak: 99999h }]'), '5:55', /: more than 30d, which is the most$/],
  [
    'a soak of no number',
    strategy(`after: [{ soak: ${'9'.repeat(400)}d }]`),
    '5:55',
    /: more than 30d, which is the most$/,
  ],
  [
    'an approval for years',
    strategy('after: [{ approval: { groups: [a], expires: 31d } }]'),
    '5:83',
    /more than 30d/,
  ],
  [
    'a window of months',
    window("cron: '0 9 * * *', duration: 32d, timezone: UTC"),
    '6:44',
    /: more than 31d, which is the most$/,
  ],
  ['a deadline of weeks', strategy('', '  progressDeadline: 8d\n'), '6:21', /more than 7d/],
  ['silence for weeks', strategy('', '  offline: { after: 169h }\n'), '6:21', /more than 7d/],
  ['a regression of months', strategy('', '  regression: { window: 31d }\n'), '6:25', /more than 30d/],
  [
    'a webhook of hours',
    strategy('after: [{ webhook: { url: "https://x.y", secret: s, timeout: 61m } }]'),
    '5:100',
    /more than 1h/,
  ],
  ['a webhook to nowhere', strategy('after: [{ webhook: { url: "ftp://x", secret: s } }]'), '5:65', /http/],
];
for (const [law, text, at, says] of CASES) {
  test(`a strategy with ${law} is refused where it stands`, async () => {
    const objects = new MemoryObjects();
    const tree = objects.snapshot({ ...OVERLAYS, ...VALID, [FILE]: text });
    const { problems } = await validateTree(objects, tree, new AbortController().signal);
    const mine = problems.filter(({ source, severity }) => source.file === FILE && severity === 'error');
    assert.equal(mine.length, 1, JSON.stringify(problems));
    const [{ code, message, source }] = mine as [(typeof mine)[number]];
    assert.equal(code, 'document-invalid');
    assert.equal(`${source.line}:${source.column}`, at, message);
    assert.match(message, says);
  });
}
