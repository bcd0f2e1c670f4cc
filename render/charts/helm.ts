import { mkdir, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Slots } from '#process/slots.ts';
import { FlotillaError } from '#proto/faults.ts';
import { clip } from '#proto/limits.ts';
import type { ClosureFile } from '../closure.ts';
import { withoutNetwork } from '../kustomize/isolation.ts';
import { tooManyRenders } from '../kustomize/message.ts';
import { type ProcessLimits, runLimited } from '../kustomize/process.ts';
import { Scratch, writeFiles } from '../kustomize/scratch.ts';
import { YAML_LIMITS } from '../yaml/read.ts';

/** One `helm template`: everything that decides what it prints. */
export type ChartRequest = {
  /** Files of the chart, relative to it, symlinks followed. */
  readonly chart: ReadonlyMap<string, ClosureFile>;
  readonly name: string;
  readonly releaseName: string;
  readonly namespace?: string;
  /** YAML texts; a later one wins over an earlier one, and each over the chart's own values. */
  readonly values: readonly string[];
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
  readonly includeCrds: boolean;
  readonly skipHooks: boolean;
};

/** The port behind which charts are templated. Equal requests, equal text. */
export interface ChartTemplater {
  /** The manifests, as YAML. @throws Error with what helm says */
  template(request: ChartRequest, signal: AbortSignal): Promise<string>;
}

export type HelmOptions = {
  /** Absolute path of helm 3.19. */
  binary: string;
  /** Parent of the temporary directories; processes may share it. */
  scratch: string;
  concurrency?: number;
  limits?: Partial<ProcessLimits>;
};

const LIMITS: ProcessLimits = { timeMs: 60_000, outputBytes: YAML_LIMITS.bytes, memoryBytes: 4 * 2 ** 30 };

/**
 * Templates charts with the pinned helm, hermetically: a fresh directory with nothing but the chart and the values, an
 * environment that names directories in it alone, no network where the platform can take it away, and limits of time, memory and
 * output. No cluster is ever asked: `lookup` finds nothing.
 *
 * @throws FlotillaError render-tool-missing
 */
export async function openHelm(options: HelmOptions): Promise<ChartTemplater> {
  if (!isAbsolute(options.binary))
    throw new FlotillaError('render-tool-missing', `helm: ${options.binary || 'no path'} is not absolute`);
  const limits = { ...LIMITS, ...options.limits };
  const scratch = new Scratch(options.scratch, 2 * limits.timeMs + 60_000);
  await scratch.sweep();
  const isolation = await withoutNetwork(AbortSignal.timeout(15_000));
  const slots = new Slots(options.concurrency ?? 2, 10_000, tooManyRenders);
  const program = [...isolation, options.binary];
  return {
    template: (request, signal) =>
      slots.run(() => scratch.use((directory) => run(request, directory, program, limits, signal)), signal),
  };
}

async function run(
  request: ChartRequest,
  directory: string,
  program: readonly string[],
  limits: ProcessLimits,
  signal: AbortSignal,
): Promise<string> {
  const chart = join(directory, request.name);
  await mkdir(chart, { recursive: true, mode: 0o700 });
  await writeFiles(chart, request.chart, signal);
  const values: string[] = [];
  for (const [index, text] of request.values.entries()) {
    const file = join(directory, `values-${index}.yaml`);
    await writeFile(file, text, { mode: 0o600 });
    values.push('--values', file);
  }
  const args = [
    ...['template', request.releaseName, chart, ...values],
    ...(request.namespace === undefined ? [] : ['--namespace', request.namespace]),
    ...['--kube-version', request.kubeVersion],
    ...request.apiVersions.flatMap((version) => ['--api-versions', version]),
    ...(request.includeCrds ? ['--include-crds'] : []),
    ...(request.skipHooks ? ['--no-hooks'] : []),
  ];
  const home = Object.fromEntries(
    ['HOME', 'HELM_CACHE_HOME', 'HELM_CONFIG_HOME', 'HELM_DATA_HOME'].map((name) => [
      name,
      join(directory, '.helm'),
    ]),
  );
  const [command, ...words] = [...program, ...args];
  const result = await runLimited(command!, words, directory, limits, signal, home);
  if (result.ended === 'exited' && result.code === 0) return result.stdout.toString('utf8');
  if (result.ended === 'too slow') throw new Error(`helm did not end within ${limits.timeMs / 1000} s`);
  if (result.ended === 'too much output') throw new Error(`renders to more than ${limits.outputBytes} bytes`);
  if (result.ended === 'killed') throw new Error('helm was ended; the limit of memory may be the reason');
  throw new Error(explain(result.stderr, directory));
}

/** What helm says, without the paths of the temporary directory; values may stand in its dumps, so the first line has to do. */
function explain(stderr: string, directory: string): string {
  const line = stderr.split('\n').find((one) => one.startsWith('Error:')) ?? stderr.split('\n')[0] ?? '';
  return clip(line.replace(/^Error: /, '').replaceAll(`${directory}/`, '') || 'helm says nothing');
}
