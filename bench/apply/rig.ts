import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Status } from '#proto/messages.ts';
import { clusterOf, tailOf } from '#proto/subjects.ts';
import type { ControlPlane } from '#test/bed/control-plane.ts';
import { startControlPlanes } from '#test/bed/control-planes.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { AgentLab, CLUSTER } from '../../test/integration/agent-lab.ts';
import type { Usage } from './agent.ts';

const FLAGS = [
  '--heartbeat',
  '30s',
  '--hello',
  '10m',
  '--tip-check',
  '10m',
  '--lease',
  '30s',
  '--retry',
  '2s',
];
/** Statuses are looked at so often, ms: an upper bound of the error. */
const LOOK_MS = 25;

/** One agent process on a real control plane; the hub's part is scripted and costs nothing while it is measured. */
export class Rig implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly lab: AgentLab;
  readonly newest = new Map<string, Status>();
  #agent: ChildProcess | undefined;
  readonly #stack: AsyncDisposableStack;

  private constructor(plane: ControlPlane, lab: AgentLab, stack: AsyncDisposableStack) {
    this.plane = plane;
    this.lab = lab;
    this.#stack = stack;
    lab.bus.subscribe('up.>', {
      callback: (_, { subject, data }) => {
        if (clusterOf(subject) !== CLUSTER || !tailOf(subject).startsWith('status.')) return;
        const status = JSON.parse(Buffer.from(data).toString()) as Status;
        this.newest.set(status.placement, status);
        lab.statuses.length = 0;
      },
    });
  }

  static async open(files: Readonly<Record<string, string>>, namespaces: readonly string[]): Promise<Rig> {
    await using stack = new AsyncDisposableStack();
    const scratch = stack.use(await makeScratch('bench-apply'));
    const planes = stack.use(await startControlPlanes(1, { dir: join(scratch.dir, 'planes') }));
    const plane = planes.at(0);
    for (const name of namespaces)
      await plane.client.expect('POST', '/api/v1/namespaces', { metadata: { name } });
    const lab = stack.use(await AgentLab.open({ files, flags: FLAGS, kubeconfig: plane.kubeconfigPath }));
    return new Rig(plane, lab, stack.move());
  }

  /** The agent from its sources, which tells what it uses, or another program with the same flags. */
  async startAgent(
    program = join(import.meta.dirname, 'agent.ts'),
    flags: readonly string[] = [],
  ): Promise<void> {
    const env = { ...process.env };
    const hellos = this.lab.hellos.length;
    this.#agent = fork(program, [...this.lab.arguments, ...flags], {
      env,
      execArgv: ['--disable-warning=ExperimentalWarning', ...(env.BENCH_PROFILE ? ['--cpu-prof'] : [])],
    });
    while (this.lab.hellos.length === hellos) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }

  async stopAgent(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    if (!agent || agent.exitCode !== null) return;
    agent.kill('SIGTERM');
    await once(agent, 'exit');
  }

  /** Resident memory, MB of 10⁶ bytes. */
  rssMb(): number {
    const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(this.#agent?.pid)], { encoding: 'utf8' });
    return (Number(stdout.trim()) * 1024) / 1e6;
  }

  async usage(): Promise<Usage> {
    const answer = once(this.#agent!, 'message');
    this.#agent!.send('usage');
    return (await answer)[0] as Usage;
  }

  /** Orders placements at a revision and waits until all run and are Current; seconds. */
  async rollOut(
    revision: string,
    names: readonly string[],
    signal: AbortSignal,
    except: readonly string[] = [],
  ) {
    const attempt = Date.now();
    const digests = await Promise.all(names.map((placement) => this.lab.digest(placement, revision)));
    const assignments = names.map((placement, index) => {
      const digest = digests[index]!;
      return { placement, revision, entryRevision: revision, digest, attempt };
    });
    const document = await this.lab.document(revision, [], { assignments });
    const started = performance.now();
    this.lab.publish(document);
    const waiting = new Map(assignments.map((each) => [each.placement, each.digest]));
    for (const name of except) waiting.delete(name);
    while (waiting.size > 0) {
      signal.throwIfAborted();
      for (const [name, digest] of waiting) {
        const { applied, sync, health } = this.newest.get(name) ?? {};
        const isThere = applied?.digest === digest && applied.revision === revision;
        if (isThere && sync?.state === 'SYNCED' && health?.state === 'CURRENT') waiting.delete(name);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return (performance.now() - started) / 1000;
  }

  /** Ends the agent, starts it again and waits until it says anew that all are Current; seconds from its start. */
  async restart(names: readonly string[], signal: AbortSignal): Promise<number> {
    await this.stopAgent();
    this.newest.clear();
    const started = performance.now();
    await this.startAgent();
    const isThere = ({ sync, health }: Status) => sync.state === 'SYNCED' && health.state === 'CURRENT';
    while (!names.every((name) => this.newest.has(name) && isThere(this.newest.get(name)!))) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return (performance.now() - started) / 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgent();
    await this.#stack.disposeAsync();
  }
}
