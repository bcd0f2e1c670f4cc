import { aborted } from '#process/wait.ts';
import type { Answer } from '#rollouts/facts.ts';
import { type AskOptions, ask } from './ask.ts';
import type { WebhookOrder } from './contract.ts';

/** Who carries out the requests that decisions name, and has their answers for the next decision. */
export interface WebhookPort {
  /**
   * Says what is wanted now, after the state that it follows from was saved. `of` names the placements that were looked at; without it, all
   * were. A request of theirs that is not among `requests` is given up.
   */
  want(requests: readonly WebhookOrder[], of?: ReadonlySet<string>): void;
  /** Request → answer. Another map whenever something was added. */
  readonly answers: ReadonlyMap<string, Answer>;
}

export type WebhookLog = {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
};
export type WebhooksOptions = AskOptions & {
  /** Something was added to `answers`. */
  readonly onAnswer: () => void;
  readonly log: WebhookLog;
  readonly most?: { readonly atOnce: number; readonly perHost: number };
};

type Job = { readonly order: WebhookOrder; readonly host: string; readonly stop: AbortController };

const MOST = { atOnce: 16, perHost: 4 };
/** Answers that nobody has used are kept so many; the oldest goes first, and is asked for again if it is wanted. */
const MOST_ANSWERS = 1_000;

/**
 * Asks the webhooks of gates: each request once, however often it is wanted, some at a time, few of one host. Nothing is kept on disk: what
 * still is wanted after a restart is asked again, under the same id.
 */
export class Webhooks implements WebhookPort {
  readonly #options: WebhooksOptions;
  readonly #waiting = new Map<string, Job>();
  readonly #asking = new Map<string, Job>();
  readonly #running = new Set<Promise<void>>();
  readonly #failed = Promise.withResolvers<never>();
  #answers: ReadonlyMap<string, Answer> = new Map();
  #signal: AbortSignal | undefined;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#failed.promise.catch(() => undefined);
  }

  get answers(): ReadonlyMap<string, Answer> {
    return this.#answers;
  }

  want(requests: readonly WebhookOrder[], of?: ReadonlySet<string>): void {
    const wanted = new Set(requests.map(({ id }) => id));
    for (const jobs of [this.#waiting, this.#asking]) {
      for (const [id, { order, stop }] of jobs) {
        if (wanted.has(id) || (of && !of.has(order.placement))) continue;
        stop.abort();
        jobs.delete(id);
      }
    }
    for (const order of requests) {
      const { id } = order;
      if (this.#waiting.has(id) || this.#asking.has(id) || this.#answers.has(id)) continue;
      this.#waiting.set(id, { order, host: new URL(order.url).host, stop: new AbortController() });
    }
    this.#next();
  }

  /** Asks until the signal is aborted. Rejects only for what should not happen. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#next();
    try {
      await Promise.race([aborted(signal), this.#failed.promise]);
    } finally {
      this.#signal = undefined;
      this.want([]);
      await Promise.all(this.#running);
    }
  }

  #next(): void {
    const { atOnce, perHost } = this.#options.most ?? MOST;
    if (!this.#signal) return;
    const busy = Map.groupBy([...this.#asking.values()], ({ host }) => host);
    const count = new Map([...busy].map(([host, jobs]) => [host, jobs.length]));
    for (const [id, job] of this.#waiting) {
      if (this.#running.size >= atOnce) return;
      const sameHost = count.get(job.host) ?? 0;
      if (sameHost >= perHost) continue;
      count.set(job.host, sameHost + 1);
      this.#waiting.delete(id);
      this.#asking.set(id, job);
      const running = this.#carryOut(job).finally(() => {
        this.#running.delete(running);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  async #carryOut({ order, host, stop }: Job): Promise<void> {
    const { log, onAnswer } = this.#options;
    const { id, placement, stage, version } = order;
    let answer: Answer;
    try {
      answer = await ask(order, this.#options, stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) this.#failed.reject(error);
      return;
    }
    if (stop.signal.aborted) return;
    this.#asking.delete(id);
    this.#keep(id, answer);
    const told = { placement, stage, version, host, says: answer.says };
    if (answer.says === 'away') log.warn({ ...told, why: answer.message }, 'webhook does not answer');
    else log.info(told, 'webhook has answered');
    onAnswer();
  }

  #keep(id: string, answer: Answer): void {
    const kept = [...this.#answers].slice(-(MOST_ANSWERS - 1));
    this.#answers = new Map([...kept, [id, answer]]);
  }
}
