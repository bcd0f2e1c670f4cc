import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { canonicalJson } from '#proto/canonical.ts';
import { FlotillaError } from '#proto/faults.ts';
import { readClosure } from '../closure.ts';
import { openEngine } from '../engine.ts';
import { type CorpusCase, corpusFiles, readCorpus } from '../testing/corpus.ts';
import { type Json, readYaml } from '../yaml/read.ts';

const { signal } = new AbortController();
const cases = readCorpus('the engine renders each case of the corpus');
const engine = openEngine();

async function render(one: CorpusCase): Promise<Json[]> {
  const store = new MemoryObjects();
  const root = store.snapshot(corpusFiles(one));
  const { path, options, usesCharts, files } = await readClosure(store, root, one.root, {}, signal);
  return engine.render({ path, components: [], options, usesCharts, files }, signal);
}

/** Cases that read files from anywhere, which the closure refuses. */
const readsAnywhere = ({ options }: CorpusCase) => options.LoadRestrictions === 'LoadRestrictionsNone';
/** kustomize's command line sorts when neither it nor the kustomization says how; Flotilla keeps the order of resources. */
const isSorted = ({ options }: CorpusCase) => options.Reorder === 'ReorderOptionUnspecified';
const sorted = (objects: readonly Json[]) => objects.map((object) => canonicalJson(object)).sort();

describe('the corpus, rendered in the process', () => {
  for (const one of cases) {
    const { name, expected } = one;
    if (expected === undefined)
      test(`${name}: refused, as kustomize does`, async () => {
        await assert.rejects(render(one), (error) => {
          assert.ok(error instanceof FlotillaError, String(error));
          assert.match(error.code, /^(closure-(refused|invalid|missing-file|cycle)|render-failed)$/);
          return true;
        });
      });
    else if (readsAnywhere(one))
      test(`${name}: refused before anything is rendered, because it reads outside of its directory`, async () => {
        await assert.rejects(render(one), { code: 'closure-refused', message: /lies outside of/ });
      });
    else
      test(`${name}: the objects of kustomize, in its order`, async () => {
        const objects = readYaml(expected).map(({ value }) => value);
        const rendered = await render(one);
        if (isSorted(one)) assert.deepEqual(sorted(rendered), sorted(objects));
        else assert.deepEqual(rendered, objects);
      });
  }
});
