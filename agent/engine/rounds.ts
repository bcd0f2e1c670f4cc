type Question<Q, A> = { asked: Q; resolve(answer: A | undefined): void; reject(error: unknown): void };

/**
 * Questions that are answered together: what is asked while a round of the same group is under way goes into the next one, so that an
 * answer is never older than its question.
 */
export class Rounds<Q, A> {
  readonly #groupOf: (question: Q) => string;
  readonly #answer: (questions: readonly Q[]) => Promise<ReadonlyMap<Q, A>>;
  readonly #waiting = new Map<string, Question<Q, A>[]>();
  readonly #underWay = new Set<string>();

  readonly #gather: (last: number) => Promise<void>;

  /** `gather` is waited for before every further round, given how many the last one had. */
  constructor(
    groupOf: (question: Q) => string,
    answer: (questions: readonly Q[]) => Promise<ReadonlyMap<Q, A>>,
    gather: (last: number) => Promise<void> = async () => undefined,
  ) {
    this.#groupOf = groupOf;
    this.#answer = answer;
    this.#gather = gather;
  }

  /** Undefined where there is no answer. @throws what the round throws, to all that are in it; the reason of the signal */
  async ask(asked: Q, signal: AbortSignal): Promise<A | undefined> {
    signal.throwIfAborted();
    const group = this.#groupOf(asked);
    const { promise, resolve, reject } = Promise.withResolvers<A | undefined>();
    const waiting = this.#waiting.get(group) ?? [];
    waiting.push({ asked, resolve, reject });
    this.#waiting.set(group, waiting);
    const giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    if (!this.#underWay.has(group)) void this.#run(group);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async #run(group: string): Promise<void> {
    this.#underWay.add(group);
    // Whoever asks in the same turn is in the first round.
    await Promise.resolve();
    for (let round = this.#waiting.get(group); round; round = this.#waiting.get(group)) {
      this.#waiting.delete(group);
      try {
        const answers = await this.#answer(round.map(({ asked }) => asked));
        for (const { asked, resolve } of round) resolve(answers.get(asked));
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
      await this.#gather(round.length);
    }
    this.#underWay.delete(group);
  }
}
