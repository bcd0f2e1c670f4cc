import { isDeepStrictEqual } from 'node:util';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import { readClosure } from '../closure.ts';
import { openEngine } from '../engine.ts';
import { checkObjects, expandLists } from '../objects.ts';
import type { Json } from '../yaml/read.ts';
import type { Files } from './mutate.ts';
import type { openOracle, Told } from './oracle.ts';

/** What two engines made of the same files. `refused` stands for both; `outside` is what Flotilla refuses by design. */
export type Verdict =
  | { same: true; as: 'rendered' | 'refused' | 'outside' }
  | { same: false; own: Json[] | string; theirs: Json[] | string };

type Oracle = Awaited<ReturnType<typeof openOracle>>;
const engine = openEngine();

/** Renders files with the engine and with the pinned kustomize. */
export async function compare(files: Files, root: string, oracle: Oracle): Promise<Verdict> {
  const own = await renderOwn(files, root);
  if (typeof own !== 'string' && 'outside' in own) return { same: true, as: 'outside' };
  const told: Told = await oracle(files, root);
  const theirs = told.refused ?? told.objects;
  if (isRefused(own) && isRefused(theirs)) return { same: true, as: 'refused' };
  if (isDeepStrictEqual(own, theirs)) return { same: true, as: 'rendered' };
  return { same: false, own, theirs };
}

/** Whether an engine refuses, with words, or no rendering is let out with its objects, whichever engine made them. */
function isRefused(rendered: readonly Json[] | string): boolean {
  if (typeof rendered === 'string') return true;
  try {
    checkObjects(expandLists(rendered), 'it');
    return false;
  } catch (error) {
    if (!(error instanceof FlotillaError)) throw error;
    return true;
  }
}

async function renderOwn(files: Files, root: string): Promise<Json[] | string | { outside: string }> {
  const store = new MemoryObjects();
  const tree = store.snapshot(
    Object.fromEntries(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)])),
  );
  const { signal } = new AbortController();
  try {
    const closure = await readClosure(store, tree, root, {}, signal);
    const { path, options, usesCharts, files: read } = closure;
    return await engine.render({ path, components: [], options, usesCharts, files: read }, signal);
  } catch (error) {
    if (!(error instanceof FlotillaError)) throw error;
    const byDesign = error.code === 'render-unsupported' || error.code === 'closure-refused';
    return byDesign ? { outside: error.message } : error.message;
  }
}
