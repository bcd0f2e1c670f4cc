/** A server process of the test bed: started, waited for, killed, started again, and never outliving its owner. */
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type OwnedProcess, spawnOwned } from '#tools/owned.ts';

export type ServiceSpec = {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Takes stdout and stderr; appended to over restarts. */
  logFile: string;
  /** Whether it can be used now. Asked again until it says yes; a rejection counts as no and is told at the end. */
  ready: (signal: AbortSignal) => Promise<boolean>;
  readyMs?: number;
  /** How long SIGTERM may take before SIGKILL. */
  graceMs?: number;
};

/** What tests do to every server of the bed. */
export interface Controllable extends AsyncDisposable {
  /** Starts it, on the same port and directory as before, and waits until it can be used; `env` is for this run alone. */
  start(signal?: AbortSignal, env?: NodeJS.ProcessEnv): Promise<void>;
  stop(): Promise<void>;
  /** Ends it as a power cut would. */
  kill9(): Promise<void>;
}

export class Service implements Controllable {
  readonly spec: ServiceSpec;
  private process: OwnedProcess | undefined;

  constructor(spec: ServiceSpec) {
    this.spec = spec;
  }

  /** Of the running process; undefined when there is none. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Resolves when the running process has ended, by itself or not; undefined when there is none. */
  get ended(): OwnedProcess['ended'] | undefined {
    return this.process?.ended;
  }

  async start(signal?: AbortSignal, env?: NodeJS.ProcessEnv): Promise<void> {
    const { spec } = this;
    if (this.process) throw new Error(`${spec.name} runs already`);
    await mkdir(dirname(spec.logFile), { recursive: true });
    const log = openSync(spec.logFile, 'a');
    const owned = spawnOwned(spec.command, spec.args, {
      stdout: log,
      stderr: log,
      ...((spec.env || env) && { env: { ...(spec.env ?? process.env), ...env } }),
      ...(spec.cwd !== undefined && { cwd: spec.cwd }),
    });
    closeSync(log);
    this.process = owned;
    owned.ended.then(() => {
      if (this.process === owned) this.process = undefined;
    });
    try {
      await this.untilReady(owned, signal);
    } catch (error) {
      await owned.kill9();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.process?.stop(this.spec.graceMs ?? 3_000);
  }

  async kill9(): Promise<void> {
    await this.process?.kill9();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async untilReady(process: OwnedProcess, signal?: AbortSignal): Promise<void> {
    const { name, ready, readyMs = 120_000 } = this.spec;
    const over = AbortSignal.timeout(readyMs);
    const either = signal ? AbortSignal.any([signal, over]) : over;
    let ended: string | undefined;
    process.ended.then(({ code, signal: by }) => {
      ended = by ?? `exit code ${code}`;
    });
    let last: unknown;
    while (true) {
      try {
        if (await ready(either)) return;
      } catch (error) {
        last = error;
      }
      signal?.throwIfAborted();
      if (ended !== undefined) throw new Error(`${name} ended with ${ended}\n${await this.logTail()}`);
      if (over.aborted) {
        throw new Error(`${name} is not ready after ${readyMs} ms\n${await this.logTail()}`, { cause: last });
      }
      await delay(25);
    }
  }

  private async logTail(): Promise<string> {
    const text = await readFile(this.spec.logFile, 'utf8').catch(() => '(no log)');
    return `${this.spec.logFile}:\n${text.split('\n').slice(-15).join('\n')}`;
  }
}
