import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import { NodeCache, readClosure } from '#render/closure.ts';
import { openEngine } from '#render/engine.ts';
import { corpusFiles, readCorpus } from '#render/testing/corpus.ts';
import { readYaml } from '#render/yaml/read.ts';
import { obtainTools } from '#tools/obtain.ts';
import { type Benchmark, quantile, type Row } from './benchmark.ts';
import { openRendering, type Part, type RenderFleet, renderFleet } from './render-fleet.ts';

const APPS = 20;
const CLUSTERS = 500;
const SAMPLE = 100;
const THREADS = 2;

/**
 * 10,000 overlays from trees in memory to checked objects: closure, digest, engine, values, checks and hash, in two threads of which
 * each has the apps of its own, so that a base is read once; then, in one thread, a sample with everything cached, a sample with
 * nothing cached, and the pinned kustomize on the same sample.
 */
const benchmark: Benchmark = async (say, signal) => {
  const { kustomize } = await obtainTools(['kustomize'], {}, signal);
  const fleet = renderFleet(APPS, CLUSTERS);
  say(`rendering ${fleet.overlays.length} overlays in ${THREADS} threads`);
  const all = await inThreads(signal);
  const corpus = await renderCorpus(signal);

  const render = openRendering(fleet.files, signal);
  const engine = openEngine();
  const cache = new NodeCache();
  const sample = fleet.overlays.filter((_, index) => index % (fleet.overlays.length / SAMPLE) === 0);
  for (const path of sample) await render(path, engine, cache);
  const warm = await timed(sample, (path) => render(path, engine, cache));
  const cold = await timed(sample, (path) => render(path, openEngine(), new NodeCache()));
  say(`kustomize on ${sample.length} of them`);
  const forked = runKustomize(kustomize, fleet, sample);
  for (const [index, path] of sample.entries()) {
    const objects = await render(path, engine, cache);
    if (
      !isDeepStrictEqual(
        objects,
        readYaml(forked.outputs[index]!).map(({ value }) => value),
      )
    )
      throw new Error(`${path}: the engine and kustomize differ`);
  }

  const rows: Row[] = [
    {
      key: 'total_s',
      what: `all overlays and ${corpus.cases} corpus cases`,
      value: (all.wallMs + corpus.ms) / 1000,
      unit: 's',
    },
    {
      key: 'total_cpu_s',
      what: 'the overlays, processor time of all threads',
      value: all.cpuMs / 1000,
      unit: 's',
    },
    { key: 'warm_p50_ms', what: 'one overlay, bases cached, p50', value: quantile(warm, 0.5), unit: 'ms' },
    { key: 'warm_p99_ms', what: 'one overlay, bases cached, p99', value: quantile(warm, 0.99), unit: 'ms' },
    { key: 'cold_p50_ms', what: 'one overlay, nothing cached, p50', value: quantile(cold, 0.5), unit: 'ms' },
    { key: 'cold_p99_ms', what: 'one overlay, nothing cached, p99', value: quantile(cold, 0.99), unit: 'ms' },
    { key: 'rss_mb', what: 'resident memory after all, both threads', value: all.rssMb, unit: 'MB' },
    { key: 'kustomize_p50_ms', what: 'kustomize build, p50', value: quantile(forked.times, 0.5), unit: 'ms' },
    {
      key: 'ratio_vs_kustomize',
      what: 'kustomize build against the engine, bases cached',
      value: sum(forked.times) / sum(warm),
      unit: '×',
    },
  ];
  return rows;
};
export default benchmark;

/** Every thread makes its own trees first; the clock runs from when all are ready until the last is done. */
async function inThreads(signal: AbortSignal): Promise<{ wallMs: number; cpuMs: number; rssMb: number }> {
  const threads = Array.from({ length: THREADS }, (_, part) => {
    const workerData: Part = { apps: APPS, clusters: CLUSTERS, part, parts: THREADS };
    return new Worker(new URL('./render-thread.ts', import.meta.url), { workerData });
  });
  try {
    const told = () => Promise.all(threads.map((thread) => once(thread, 'message', { signal })));
    await told();
    const start = performance.now();
    const before = process.cpuUsage();
    const done = told();
    for (const thread of threads) thread.postMessage('go');
    await done;
    const { user, system } = process.cpuUsage(before);
    const rssMb = process.memoryUsage.rss() / 2 ** 20;
    return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000, rssMb };
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

async function timed<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  for (const item of items) {
    const start = performance.now();
    await work(item);
    times.push(performance.now() - start);
  }
  return times;
}

/** Every case of the corpus once, refusals too. */
async function renderCorpus(signal: AbortSignal): Promise<{ cases: number; ms: number }> {
  const cases = readCorpus('the corpus in the benchmark');
  const engine = openEngine();
  const times = await timed(cases, async (one) => {
    const store = new MemoryObjects();
    try {
      const { path, options, usesCharts, files } = await readClosure(
        store,
        store.snapshot(corpusFiles(one)),
        one.root,
        {},
        signal,
      );
      await engine.render({ path, components: [], options, usesCharts, files }, signal);
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error;
    }
  });
  return { cases: cases.length, ms: sum(times) };
}

function runKustomize(
  binary: string,
  { files }: RenderFleet,
  sample: readonly string[],
): { times: number[]; outputs: string[] } {
  const home = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
  try {
    const needed = Object.entries(files).filter(
      ([path]) => !path.startsWith('overlays/') || sample.some((one) => path.startsWith(`${one}/`)),
    );
    for (const [path, text] of needed) {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    const outputs: string[] = [];
    const times = sample.map((path) => {
      const start = performance.now();
      outputs.push(
        execFileSync(binary, ['build', '--reorder=none', join(home, path)], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
      return performance.now() - start;
    });
    return { times, outputs };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
