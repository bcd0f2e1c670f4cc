import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { canonicalJson } from '#proto/canonical.ts';
import { FlotillaError } from '#proto/faults.ts';
import { obtainTools } from '#tools/obtain.ts';
import { readClosure } from './closure.ts';
import { openKustomize } from './kustomize.ts';
import type { Renderer } from './renderer.ts';
import { type CorpusCase, corpusFiles, readCorpus } from './testing/corpus.ts';
import { type Json, readYaml } from './yaml/read.ts';

const { signal } = new AbortController();
let home: string;
let renderer: Renderer;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-corpus-test-'));
  const { kustomize: binary } = await obtainTools(['kustomize']);
  renderer = await openKustomize({ binary, scratch: home });
});
after(async () => rm(home, { recursive: true, force: true }));

const cases = readCorpus('closures hold all that kustomize needs for each case of the corpus');

/** Renders a case from nothing but the files of its closure. */
async function render(one: CorpusCase): Promise<Json[]> {
  const store = new MemoryObjects();
  const root = store.snapshot(corpusFiles(one));
  const { path, options, usesCharts, files } = await readClosure(store, root, one.root, {}, signal);
  return renderer.render({ path, components: [], options, usesCharts, files }, signal);
}

/** Cases that read files from anywhere, which `--load-restrictor LoadRestrictionsNone` alone allows. */
const readsAnywhere = ({ options }: CorpusCase) => options.LoadRestrictions === 'LoadRestrictionsNone';
/** kustomize's command line sorts when neither it nor the kustomization says how; Flotilla keeps the order of resources. */
const isSorted = ({ options }: CorpusCase) => options.Reorder === 'ReorderOptionUnspecified';
const sorted = (objects: readonly Json[]) => objects.map((object) => canonicalJson(object)).sort();

describe('corpus', { concurrency: 4 }, () => {
  for (const one of cases) {
    const { name, expected } = one;
    if (expected === undefined) {
      test(`${name}: refused, by the closure or by kustomize`, async () => {
        await assert.rejects(render(one), (error) => {
          assert.ok(error instanceof FlotillaError, String(error));
          assert.match(error.code, /^(closure-(refused|invalid|missing-file|cycle)|render-failed)$/);
          return true;
        });
      });
    } else if (readsAnywhere(one)) {
      test(`${name}: refused, because it reads outside of its directory`, async () => {
        await assert.rejects(render(one), { code: 'closure-refused', message: /lies outside of/ });
      });
    } else {
      test(`${name}: the closure alone renders to what the whole tree does`, async () => {
        const objects = readYaml(expected).map(({ value }) => value);
        const rendered = await render(one);
        if (isSorted(one)) assert.deepEqual(sorted(rendered), sorted(objects));
        else assert.deepEqual(rendered, objects);
      });
    }
  }
});

test('most of the corpus needs nothing from outside', () => {
  if (cases.length === 0) return;
  const outside = cases.filter((one) => one.expected !== undefined && readsAnywhere(one));
  assert.ok(outside.length <= 3, outside.map(({ name }) => name).join(', '));
});
