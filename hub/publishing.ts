import type { Logger } from 'pino';
import { FlotillaError } from '#proto/faults.ts';
import type { Bus } from './bus/bus.ts';
import { documentOf, numberedDocumentOf } from './core/desired.ts';
import type { HubState } from './core/types.ts';
import type { Inbox } from './inbox.ts';

export type PublishingOptions = {
  readonly bus: Pick<Bus, 'publish' | 'answer' | 'dropStored'>;
  readonly inbox: Pick<Inbox, 'greeted' | 'surplus'>;
  readonly log: Logger;
  readonly marker?: ((name: string) => void) | undefined;
};

const AT_ONCE = 100;

/** Makes the stream say what saved state says, wherever it may not; for that no index is needed. */
export class Publishing {
  readonly #options: PublishingOptions;
  readonly #waiting = new Set<string>();

  constructor(options: PublishingOptions) {
    this.#options = options;
  }

  /** The documents of these clusters may be others than the stream has. */
  add(clusters: Iterable<string>): void {
    for (const cluster of clusters) this.#waiting.add(cluster);
  }

  /**
   * Publishes what waits. False where another hub has published: what it has decided is to be read first.
   * @throws FlotillaError of the bus; what was not published still waits then
   */
  async publish(state: HubState, signal: AbortSignal): Promise<boolean> {
    const waiting = [...this.#waiting];
    for (let at = 0; at < waiting.length; at += AT_ONCE) {
      signal.throwIfAborted();
      const done = await Promise.all(
        waiting.slice(at, at + AT_ONCE).map((cluster) => this.#publish(state, cluster)),
      );
      if (done.includes(false)) return false;
    }
    return true;
  }

  /** Sends agents that said hello the document that the stream has for them. */
  answer(state: HubState): void {
    const { bus, inbox } = this.#options;
    for (const cluster of inbox.greeted) {
      if (this.#waiting.has(cluster)) continue;
      if (documentOf(state, cluster)) bus.answer(cluster);
      inbox.greeted.delete(cluster);
    }
  }

  /** What an agent stores beyond its bound would sooner or later push the statuses of others out of the stream. */
  async tidy(signal: AbortSignal): Promise<void> {
    const { bus, inbox } = this.#options;
    for (const subject of inbox.surplus) {
      signal.throwIfAborted();
      await bus.dropStored(subject);
      inbox.surplus.delete(subject);
    }
  }

  async #publish(state: HubState, cluster: string): Promise<boolean> {
    const { bus, inbox, log, marker } = this.#options;
    const document = numberedDocumentOf(state, cluster);
    try {
      const result = document ? await bus.publish(document) : 'equal';
      if (result === 'conflict') return false;
      if (result === 'published') {
        inbox.greeted.delete(cluster);
        log.debug({ cluster, epoch: document?.epoch }, 'published');
        marker?.('published');
      }
    } catch (error) {
      if (!(error instanceof FlotillaError) || error.code !== 'desired-malformed') throw error;
      log.error(error.message);
    }
    this.#waiting.delete(cluster);
    return true;
  }
}
