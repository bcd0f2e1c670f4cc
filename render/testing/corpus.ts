import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { canonicalJson } from '#proto/canonical.ts';
import { FlotillaError } from '#proto/faults.ts';
import { readClosure } from '../closure.ts';
import type { Renderer } from '../renderer.ts';
import { type Json, readYaml } from '../yaml/read.ts';

/** One case of the kustomize corpus: files, the directory to build, and either what it renders to or parts of the error. */
export type CorpusCase = {
  name: string;
  files: Record<string, string | { base64: string }>;
  root: string;
  options: { LoadRestrictions?: string; Reorder?: string };
  expected?: string;
  error?: string[];
};

const PLACE = fileURLToPath(new URL('../../../shared/corpus/kustomize.json', import.meta.url));

/** The cases, or none when the corpus is not beside the repository; then `test` is announced as not run. */
export function readCorpus(test: string): CorpusCase[] {
  if (!existsSync(PLACE)) {
    process.stderr.write(`CANNOT RUN: ${test}: ../shared/corpus/kustomize.json is not there\n`);
    return [];
  }
  return (JSON.parse(readFileSync(PLACE, 'utf8')) as { cases: CorpusCase[] }).cases;
}

/** Files of a case as bytes, by path. */
export function corpusFiles({ files }: CorpusCase): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path,
      typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.base64, 'base64'),
    ]),
  );
}

/** Cases that read files from anywhere, which `--load-restrictor LoadRestrictionsNone` alone allows; closures refuse them. */
export const readsAnywhere = ({ options }: CorpusCase) => options.LoadRestrictions === 'LoadRestrictionsNone';

/** Renders a case from nothing but the files of its closure. */
async function renderCase(one: CorpusCase, renderer: Renderer): Promise<Json[]> {
  const { signal } = new AbortController();
  const store = new MemoryObjects();
  const closure = await readClosure(store, store.snapshot(corpusFiles(one)), one.root, {}, signal);
  return renderer.render({ ...closure, components: [] }, signal);
}

/** Demands that a case renders to what it should, or is refused as it should be. */
export async function assertCase(one: CorpusCase, renderer: Renderer): Promise<void> {
  const { expected, options } = one;
  if (expected === undefined)
    await assert.rejects(renderCase(one, renderer), (error) => {
      assert.ok(error instanceof FlotillaError, String(error));
      assert.match(error.code, /^(closure-(refused|invalid|missing-file|cycle)|render-failed)$/);
      return true;
    });
  else if (readsAnywhere(one))
    await assert.rejects(renderCase(one, renderer), { code: 'closure-refused', message: /lies outside of/ });
  else {
    const objects = readYaml(expected).map(({ value }) => value);
    const rendered = await renderCase(one, renderer);
    // kustomize's command line sorts when neither it nor the kustomization says how; Flotilla keeps the order of resources.
    if (options.Reorder === 'ReorderOptionUnspecified') assert.deepEqual(sorted(rendered), sorted(objects));
    else assert.deepEqual(rendered, objects);
  }
}

const sorted = (objects: readonly Json[]) => objects.map((object) => canonicalJson(object)).sort();
