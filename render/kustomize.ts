import { constants } from 'node:fs';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Slots } from '#process/slots.ts';
import { FlotillaError } from '#proto/faults.ts';
import { withoutNetwork } from './kustomize/isolation.ts';
import { explainFailure, tooManyRenders } from './kustomize/message.ts';
import { type ProcessLimits, runLimited } from './kustomize/process.ts';
import { Scratch, writeFiles } from './kustomize/scratch.ts';
import type { Renderer, RenderInput } from './renderer.ts';
import { type Json, readYaml, YAML_LIMITS, YamlFault } from './yaml/read.ts';

export type KustomizeOptions = {
  /** Absolute path of kustomize 5.5. */
  binary: string;
  /** Parent of the temporary directories; processes may share it. */
  scratch: string;
  /** Renders at once, and how many may wait. */
  concurrency?: number;
  waiting?: number;
  limits?: Partial<ProcessLimits>;
};

const LIMITS: ProcessLimits = { timeMs: 60_000, outputBytes: YAML_LIMITS.bytes, memoryBytes: 4 * 2 ** 30 };

/**
 * Renders with the pinned kustomize, hermetically: a fresh directory with nothing but the closure's files, an empty
 * environment, no network where the platform can take it away, no plugins and no Helm, and limits of time, memory, output and
 * renders at once. Opening it removes what killed processes left. Charts are refused with render-unsupported.
 */
export async function openKustomize(options: KustomizeOptions): Promise<Renderer> {
  if (!isAbsolute(options.binary))
    throw new FlotillaError(
      'render-tool-missing',
      `kustomize: ${options.binary || 'no path'} is not absolute`,
    );
  const limits = { ...LIMITS, ...options.limits };
  const scratch = new Scratch(options.scratch, 2 * limits.timeMs + 60_000);
  await scratch.sweep();
  const isolation = await withoutNetwork(AbortSignal.timeout(15_000));
  const slots = new Slots(options.concurrency ?? 2, options.waiting ?? 10_000, tooManyRenders);
  return {
    render: (input, signal) =>
      slots.run(
        () =>
          scratch.use((directory) =>
            build(input, directory, { binary: options.binary, isolation, limits }, signal),
          ),
        signal,
      ),
  };
}

type Program = { binary: string; isolation: readonly string[]; limits: ProcessLimits };

async function build(
  input: RenderInput,
  directory: string,
  { binary, isolation, limits }: Program,
  signal: AbortSignal,
): Promise<Json[]> {
  const overlay = input.path === '' ? 'the root of the repository' : input.path;
  const failed = (why: string, cause?: unknown) =>
    new FlotillaError('render-failed', `${overlay}: ${why}`, { source: { file: input.path }, cause });
  if (input.usesCharts)
    throw new FlotillaError(
      'render-unsupported',
      `${overlay}: uses helmCharts, and no helm runs inside of kustomize here`,
      {
        source: { file: input.path },
      },
    );
  await requireProgram(binary);
  await writeFiles(join(directory, 'repo'), input.files, signal);
  const start = await startingDirectory(input, directory);
  const args = ['build', '--reorder=none', '--load-restrictor=LoadRestrictionsRootOnly', '.'];
  const [command, ...words] = [...isolation, binary, ...args];
  const result = await runLimited(command!, words, start, limits, signal);
  switch (result.ended) {
    case 'too slow':
      throw failed(`kustomize did not end within ${limits.timeMs / 1000} s`);
    case 'too much output':
      throw failed(`renders to more than ${limits.outputBytes} bytes`);
    case 'killed':
      throw failed(`kustomize was ended by ${result.by}; the limit of memory may be the reason`);
    case 'exited':
      if (result.code !== 0) throw failed(explainFailure(result.stderr, directory));
      break;
    default:
      result satisfies never;
  }
  try {
    return readYaml(result.stdout.toString('utf8')).map((document) => document.value);
  } catch (cause) {
    if (cause instanceof YamlFault)
      throw failed(`what kustomize printed cannot be read: ${cause.message}`, cause);
    throw cause;
  }
}

async function requireProgram(binary: string): Promise<void> {
  try {
    await access(binary, constants.X_OK);
  } catch (cause) {
    throw new FlotillaError('render-tool-missing', `kustomize: ${binary} is not there or cannot be run`, {
      cause,
    });
  }
}

/**
 * The overlay itself, or, where the placement adds components or a namespace, a kustomization beside the repository that
 * takes the overlay as its resource. Beside and not in it, because a base must not contain who refers to it. Options
 * that count only at the top are repeated there.
 */
async function startingDirectory(input: RenderInput, directory: string): Promise<string> {
  const inRepo = (path: string) => (path === '' ? '../repo' : `../repo/${path}`);
  if (input.components.length === 0 && input.namespace === undefined)
    return join(directory, 'repo', input.path);
  const top = join(directory, 'top');
  await mkdir(top, { mode: 0o700 });
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [inRepo(input.path)],
    components: input.components.map(inRepo),
    ...(input.namespace !== undefined && { namespace: input.namespace }),
    ...input.options,
  };
  await writeFile(join(top, 'kustomization.yaml'), JSON.stringify(kustomization), { mode: 0o600 });
  return top;
}
