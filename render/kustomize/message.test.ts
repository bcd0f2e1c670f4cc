import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFailure } from './message.ts';

const SAYS: readonly [what: string, stderr: string, expected: string][] = [
  [
    'warnings are left out',
    "# Warning: 'bases' is deprecated.\nFlag --reorder has been deprecated, use x\n2026/01/02 03:04:05 Warning: y\nError: no such thing\n",
    'no such thing',
  ],
  [
    'temporary paths are left out',
    "Error: '/tmp/r-1/repo/apps/a.yaml' and '../repo/apps/web' and '/tmp/r-1/repo'",
    "'apps/a.yaml' and 'apps/web' and 'the root of the repository'",
  ],
  [
    'the configuration of generators is left out',
    'Error: trouble configuring builtin SecretGenerator with config: `\nliterals:\n- password=hunter2\n`: bad',
    'trouble configuring builtin SecretGenerator with its config: bad',
  ],
  [
    'a dumped Secret is left out',
    'Error: ID conflict: [{"apiVersion":"v1","kind":"Secret","data":{"password":"aHVudGVyMg=="}}]',
    'ID conflict: [ (a Secret is left out)',
  ],
  [
    'literals are left out',
    'Error: loading KV pairs: literal sources [pass=hunter2 hunter3]: invalid literal source hunter3, expected key=value',
    'loading KV pairs: invalid literal source, expected key=value',
  ],
  [
    'inline patches are left out',
    'Error: unable to parse SM or JSON patch from [patch: "[{value: \\"hunter4\\"}]"]',
    'unable to parse SM or JSON patch from an inline patch',
  ],
  ['silence is named', '', 'kustomize says nothing'],
];

for (const [what, stderr, expected] of SAYS) {
  test(`in what kustomize says ${what}`, () => assert.equal(explainFailure(stderr, '/tmp/r-1'), expected));
}
