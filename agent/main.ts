import { setFlagsFromString } from 'node:v8';
import { type Logger, pino } from 'pino';
import { createMark } from '#process/markers.ts';
import { pause, together } from '#process/wait.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import type { ClusterFacts } from '#proto/messages.ts';
import type { Nkey } from '#proto/nkey.ts';
import { NodeCache } from '#render/closure.ts';
import manifest from '../package.json' with { type: 'json' };
import { Bus } from './bus/bus.ts';
import { type AgentConfig, readConfig, readInit, usage } from './config.ts';
import { backoff } from './core/backoff.ts';
import { readFacts } from './facts.ts';
import { instanceName } from './instance.ts';
import { KubeClient } from './kube/client.ts';
import { connect } from './kube/connection.ts';
import { openRenderers } from './renderers.ts';
import { openRepository } from './repository.ts';
import { initSeed, readSeed } from './seed.ts';
import { Session, type SessionParts } from './session.ts';
import { OwnObjects } from './state/api.ts';
import { Lease, LeaseHeld, leaseIdentity } from './state/lease.ts';

const VERSION = manifest.version;

/** Patience at the end of the process: for what waits to be sent, and for the Lease. */
const FAREWELL_MS = 1_000;

/**
 * Runs the agent of one cluster until the signal is aborted, then ends in order: writes stop, what waits is sent, the Lease is given
 * up. Several may run in one process.
 * @throws FlotillaError config-invalid; nothing that the outside world does makes it throw
 */
export async function runAgent(config: AgentConfig, signal: AbortSignal, parent?: Logger): Promise<void> {
  const log = (parent ?? pino({ level: config.logLevel, base: null }, pino.destination(2))).child({
    cluster: config.cluster,
  });
  const agent = await Agent.open(config, log);
  await agent.run(signal);
}

class Agent {
  readonly #config: AgentConfig;
  readonly #log: Logger;
  readonly #parts: Omit<SessionParts, 'bus'>;
  readonly #key: Nkey;
  readonly #lease: Lease;
  #speaking: { bus: Bus; end: AbortController; running: Promise<void> } | undefined;
  #session: Session | undefined;
  #fault: Fault | undefined;
  /** Of the document in force, as last known. */
  #epoch = 0;
  #head: string | undefined;
  #facts: ClusterFacts = { agentVersion: VERSION };

  static async open(config: AgentConfig, log: Logger): Promise<Agent> {
    const { key, warning } = readSeed(config.seedFile);
    if (warning) log.warn(warning);
    const kube = new KubeClient(
      connect({ file: config.kubeconfig, context: config.context }),
      {},
      config.namespaces,
    );
    const fleet = await openRepository(config, (message) => log.warn(message));
    const parts = {
      config,
      publicKey: key.publicKey,
      kube,
      own: new OwnObjects(kube, config.namespace),
      fleet,
      renderers: openRenderers(config),
      cache: new NodeCache({ nodes: 2_000, treeEntries: 50_000, files: 1_000 }),
      mark: createMark(config.markers),
      log,
    };
    return new Agent(parts, key);
  }

  private constructor(parts: Omit<SessionParts, 'bus'>, key: Nkey) {
    const { config, log, own } = parts;
    const { intervals } = config;
    this.#key = key;
    this.#config = config;
    this.#log = log;
    this.#parts = parts;
    const identity = config.identity ?? leaseIdentity(instanceName(config.dataDir));
    this.#lease = new Lease(own, { identity, leaseMs: intervals.leaseMs, log });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    log.info({ version: VERSION, publicKey: this.#parts.publicKey }, 'agent starts');
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#lease.acquire(signal);
        failures = 0;
        await this.#serve(signal);
      } catch (error) {
        if (signal.aborted) break;
        if (isFatal(error)) {
          await this.#end();
          throw error;
        }
        failures++;
        await this.#wait(error, failures, signal);
      }
    }
    await this.#end();
    log.info('agent has ended');
  }

  /** One turn as the one writer; ends with the signal or with the loss of the Lease. */
  async #serve(signal: AbortSignal): Promise<void> {
    try {
      await together([(during) => this.#lease.keep(during), (during) => this.#work(during)], signal);
    } finally {
      this.#session = undefined;
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    await this.#learn(signal);
    const bus = this.#speak();
    const session = await Session.open({ ...this.#parts, bus }, signal);
    this.#session = session;
    this.#fault = undefined;
    bus.hello();
    await together([(during) => session.run(during), (during) => this.#keepLearning(during)], signal);
  }

  async #learn(signal: AbortSignal): Promise<void> {
    this.#facts = { ...this.#facts, ...(await readFacts(this.#parts.kube, signal)) };
  }

  /** Versions and nodes change: what hellos say about the cluster is looked up again now and then. */
  async #keepLearning(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#config.intervals.fullPassMs, signal);
      if (!signal.aborted) await this.#learn(signal);
    }
  }

  /** Another agent at work is quietly waited for; an API server that is away is told to the hub. */
  async #wait(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
    const fault = toFault(error);
    if (this.#fault?.message !== fault.message) {
      const detail = error instanceof FlotillaError ? { code: fault.code } : { err: error };
      this.#log.warn(detail, fault.message);
    }
    this.#fault = fault;
    const { leaseMs, retryMs, retryMostMs } = this.#config.intervals;
    if (error instanceof LeaseHeld) {
      await this.#fallSilent();
      return pause(leaseMs / 3, signal);
    }
    this.#speak();
    await pause(backoff({ first: retryMs, most: retryMostMs }, failures, Math.random()), signal);
  }

  /** From now on the hub hears from this process. */
  #speak(): Bus {
    if (this.#speaking) return this.#speaking.bus;
    const { cluster, hubUrls, intervals } = this.#config;
    const end = new AbortController();
    const bus = new Bus(
      {
        cluster,
        key: this.#key,
        hubUrls,
        log: this.#log,
        reconnectMs: intervals.reconnectMs,
        retry: { first: intervals.retryMs, most: intervals.retryMostMs },
        heartbeatMs: intervals.heartbeatMs,
        helloMs: intervals.helloMs,
      },
      {
        describe: () => this.#describe(),
        desired: (envelope) => this.#session?.receive(envelope),
        resync: () => this.#session?.resync(),
      },
      end.signal,
    );
    this.#speaking = { bus, end, running: bus.run(end.signal) };
    return bus;
  }

  /** Sends what waits, as far as patience goes, and closes the connection. */
  async #fallSilent(): Promise<void> {
    if (!this.#speaking) return;
    const { bus, end, running } = this.#speaking;
    this.#speaking = undefined;
    const patience = AbortSignal.timeout(FAREWELL_MS);
    await bus.drain(patience).catch((error: Error) => this.#log.warn(error.message));
    end.abort();
    await running;
  }

  #describe() {
    const session = this.#session;
    this.#epoch = session?.epoch ?? this.#epoch;
    this.#head = session?.head ?? this.#head;
    return {
      ready: session !== undefined,
      epoch: this.#epoch,
      head: this.#head,
      facts: this.#facts,
      faults: [...(this.#fault ? [this.#fault] : []), ...(session?.faults ?? [])],
    };
  }

  async #end(): Promise<void> {
    const { kube, fleet } = this.#parts;
    await this.#fallSilent();
    await this.#lease.release(AbortSignal.timeout(FAREWELL_MS));
    await Promise.all([kube.close(), fleet.close()]);
  }
}

/** What only a person can mend, by another configuration of this very process. */
const isFatal = (error: unknown): boolean =>
  error instanceof FlotillaError && error.code === 'config-invalid';

/** The command line. Returns the exit code: 78 (EX_CONFIG) where the configuration is wrong. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    if (argv.includes('--help') || argv.includes('-h')) {
      process.stdout.write(usage());
      return 0;
    }
    if (argv[0] === 'init') {
      const { publicKey } = initSeed(readInit(argv.slice(1), process.env).seedFile);
      process.stdout.write(`${publicKey}\n`);
      return 0;
    }
    const end = new AbortController();
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => end.abort());
    if (argv[0] === 'once') {
      const { once } = await import('./once/main.ts');
      const { stdout, stderr, env } = process;
      const io = {
        env,
        out: (text: string) => stdout.write(text),
        talk: (text: string) => stderr.write(text),
      };
      return await once(argv.slice(1), io, end.signal);
    }
    // An agent rests nearly always, and V8 by itself keeps what a first apply has taken (docs/performance.md).
    setFlagsFromString('--optimize-for-size');
    await runAgent(readConfig(argv, process.env), end.signal);
    return 0;
  } catch (error) {
    const { code, message } = toFault(error);
    process.stderr.write(`${code === 'internal' ? ((error as Error).stack ?? message) : message}\n`);
    return code === 'config-invalid' ? 78 : 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
