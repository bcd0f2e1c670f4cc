/**
 * Renders the kustomize corpus in the process and prints what differs: `node scripts/engine-corpus.ts [name]`.
 */
import { isDeepStrictEqual } from 'node:util';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { canonicalJson } from '#proto/canonical.ts';
import { readClosure } from '#render/closure.ts';
import { openEngine } from '#render/engine.ts';
import { corpusFiles, readCorpus } from '#render/testing/corpus.ts';
import { type Json, readYaml } from '#render/yaml/read.ts';

const only = process.argv[2];
const { signal } = new AbortController();
const engine = openEngine();
const counts: Record<string, number> = {};
const count = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1;
};
const sorted = (objects: readonly Json[]) => objects.map((object) => canonicalJson(object)).sort();

for (const one of readCorpus('engine-corpus')) {
  if (only && !one.name.includes(only)) continue;
  const store = new MemoryObjects();
  const root = store.snapshot(corpusFiles(one));
  let rendered: Json[] | undefined;
  let failure = '';
  try {
    const { path, options, usesCharts, files } = await readClosure(store, root, one.root, {}, signal);
    rendered = await engine.render({ path, components: [], options, usesCharts, files }, signal);
  } catch (error) {
    failure = `${(error as { code?: string }).code ?? (error as Error).stack}: ${(error as Error).message}`;
  }
  if (one.expected === undefined) {
    count(rendered ? 'rendered, should be refused' : 'refused, as expected');
    if (rendered) console.log(`NOT REFUSED ${one.name}: ${one.error}`);
    else if (only) console.log(failure);
    continue;
  }
  const expected = readYaml(one.expected).map(({ value }) => value);
  const same =
    one.options.Reorder === 'ReorderOptionUnspecified'
      ? isDeepStrictEqual(sorted(rendered ?? []), sorted(expected))
      : isDeepStrictEqual(rendered, expected);
  count(rendered ? (same ? 'equal' : 'different') : failure.split(':', 1)[0]!);
  if (same) continue;
  console.log(`${rendered ? 'DIFFERENT' : 'REFUSED'} ${one.name} ${failure}`);
  if (rendered && only) {
    console.log(canonicalJson(rendered));
    console.log(canonicalJson(expected));
  }
}
console.log(counts);
