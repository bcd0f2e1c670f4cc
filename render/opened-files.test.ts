import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import { type Closure, closureNode, NodeCache } from './closure.ts';
import { readOverlays } from './engine/testing/overlays.ts';
import { corpusFiles, readCorpus } from './testing/corpus.ts';
import { openStrace } from './testing/strace.ts';

type Files = Readonly<Record<string, Uint8Array>>;

const { signal } = new AbortController();
const WHAT = 'closures hold exactly the files that kustomize opens';
const strace = await openStrace();
if ('why' in strace) process.stderr.write(`CANNOT RUN: ${WHAT}: ${strace.why}\n`);

const EXAMPLE = join(import.meta.dirname, '../fleet-repo-example');
const example: Files = Object.fromEntries(
  globSync('**/*', { cwd: EXAMPLE })
    .filter((path) => statSync(join(EXAMPLE, path)).isFile())
    .map((path) => [path, readFileSync(join(EXAMPLE, path))]),
);
/** A component is opened where it is used; alone it is no root. */
const roots = Object.keys(example)
  .filter((path) => path.endsWith('/kustomization.yaml') && !path.includes('/components/'))
  .map(dirname);

const bytesOf = (files: Readonly<Record<string, string>>): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));

/** Undefined where the closure refuses. */
async function closureOf(files: Files, root: string): Promise<Closure | undefined> {
  const store = new MemoryObjects();
  try {
    return await closureNode(store, store.snapshot(files), root, new NodeCache(), signal);
  } catch (error) {
    if (error instanceof FlotillaError && /^(closure|overlay)-/.test(error.code)) return undefined;
    throw error;
  }
}

let compared = 0;

if ('watch' in strace) {
  const corpus = readCorpus(WHAT);
  describe(WHAT, { concurrency: 2 }, () => {
    const check = async (files: Files, root: string, mayRefuse = false) => {
      const closure = await closureOf(files, root);
      if (mayRefuse && (!closure || closure.usesCharts)) return;
      const opened = await strace.watch(files, root);
      if (mayRefuse && !opened) return;
      assert.deepEqual(closure?.files, opened);
      compared++;
    };
    for (const root of roots) test(`of ${root} in the example`, () => check(example, root));
    for (const one of corpus)
      test(`of ${one.name} in the corpus`, () => check(corpusFiles(one), one.root, true));
    for (const { name, files, root } of readOverlays())
      test(`of ${name}`, () => check(bytesOf(files), root, true));
  });
  test('nearly every root is compared, and few are refused', () => {
    assert.ok(compared > 0.8 * (corpus.length + roots.length), `${compared}`);
  });
}
