import { type Profiler, Session } from 'node:inspector/promises';

/** Which phase a function belongs to, by its file; what is called from there counts with it. */
const PHASES: readonly (readonly [phase: string, file: RegExp])[] = [
  ['read model', /\/hub\/core\/view/],
  ['keep for the next start', /\/hub\/index\/saved\//],
  ['documents', /\/hub\/index\/documents\.ts/],
  ['judge', /\/proto\/(fleet-model|rejudge|fleet-checks\/)|\/hub\/core\/in-force\.ts/],
  ['overlays', /\/hub\/index\/overlays\.ts|\/render\//],
  ['resolve', /\/hub\/index\/(assignments|rows|layers)\.ts|\/proto\/(assignment|values|selector)\.ts/],
  ['origins', /\/hub\/index\/(origins|ancestry)\.ts/],
  ['snapshot', /\/hub\/index\/snapshot\.ts/],
  ['Git', /\/git\//],
];

/** CPU milliseconds of the main thread by phase, largest first. */
export type Phases = Readonly<Record<string, number>>;

/** Profiles this process between `start` and `stop`; that costs a tenth or more, so that no figure is taken meanwhile. */
export class PhaseProfiler {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.start');
  }

  async stop(): Promise<Phases> {
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    return phasesOf(profile);
  }
}

/** The outermost function that belongs to a phase decides; what belongs to none is the rest, and waiting is left out. */
function phasesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Phases {
  const phases = new Map<number, string>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visit = (id: number, above: string | undefined) => {
    const { callFrame, children = [] } = byId.get(id)!;
    const { url, functionName } = callFrame;
    const own = PHASES.find(([, file]) => file.test(url))?.[0];
    const phase = above ?? own ?? (functionName === '(garbage collector)' ? 'garbage' : undefined);
    phases.set(id, phase ?? (functionName === '(idle)' ? 'idle' : 'rest'));
    for (const child of children) visit(child, phase);
  };
  visit(nodes[0]!.id, undefined);
  const sums = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const phase = phases.get(id)!;
    if (phase !== 'idle') sums.set(phase, (sums.get(phase) ?? 0) + timeDeltas[at]! / 1_000);
  }
  return Object.fromEntries([...sums].sort(([, a], [, b]) => b - a));
}

export const phasesText = (phases: Phases): string =>
  Object.entries(phases)
    .filter(([, ms]) => ms >= 0.5)
    .map(([phase, ms]) => `${phase} ${ms.toFixed(0)}`)
    .join(', ');
