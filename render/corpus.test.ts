import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { obtainTools } from '#tools/obtain.ts';
import { openKustomize } from './kustomize.ts';
import type { Renderer } from './renderer.ts';
import { assertCase, readCorpus, readsAnywhere } from './testing/corpus.ts';

let home: string;
let renderer: Renderer;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-corpus-test-'));
  const { kustomize: binary } = await obtainTools(['kustomize']);
  renderer = await openKustomize({ binary, scratch: home });
});
after(async () => rm(home, { recursive: true, force: true }));

const cases = readCorpus('closures hold all that kustomize needs for each case of the corpus');

describe('corpus', { concurrency: 4 }, () => {
  for (const one of cases) {
    const what =
      one.expected === undefined
        ? 'refused, by the closure or by kustomize'
        : readsAnywhere(one)
          ? 'refused, because it reads outside of its directory'
          : 'the closure alone renders to what the whole tree does';
    test(`${one.name}: ${what}`, () => assertCase(one, renderer));
  }
});

test('most of the corpus needs nothing from outside', () => {
  if (cases.length === 0) return;
  const outside = cases.filter((one) => one.expected !== undefined && readsAnywhere(one));
  assert.ok(outside.length <= 3, outside.map(({ name }) => name).join(', '));
});
