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
  ['more than all at a time', strategy("maxConcurrent: '101%'"), '5:54', /a percentage such as 10%/],
  [
    'more failures than all',
    strategy('', "  failure: { maxFailed: '150%' }\n"),
    '6:25',
    /a percentage such as 10%/,
  ],
  [
    'more than all offline',
    strategy('', "  offline: { max: '120%' }\n"),
    '6:19',
    /not a percentage such as 10%/,
  ],
  ['success of nobody', strategy('', '  failure: { minCurrent: 0 }\n'), '6:26', /must be at least 1/],
  ['an approval by nobody', strategy('after: [{ approval: { groups: [] } }]'), '5:69', /./],
  [
    'no approvals needed',
    strategy('after: [{ approval: { groups: [a], count: 0 } }]'),
    '5:81',
    /must be at least 1/,
  ],
  ['a soak before anything runs', strategy('before: [{ soak: 1h }]'), '5:48', /soak belongs in `after`/],
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
