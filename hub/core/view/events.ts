import { hashOf } from '#proto/canonical.ts';
import type { AgentEvent } from '#proto/messages.ts';

export type EventRow = {
  /** The same for the same event, however often it is delivered. */
  readonly id: string;
  /** Unix milliseconds, as the agent says. */
  readonly at: number;
  readonly event: AgentEvent;
};

/** The newest events of all agents, each once; the oldest are dropped. */
export class EventRing {
  readonly #events = new Map<string, EventRow>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(event: AgentEvent): void {
    const id = hashOf('flotilla-event-v1', event).slice(0, 20);
    if (this.#events.has(id)) return;
    this.#events.set(id, { id, at: Date.parse(event.at), event });
    if (this.#events.size > this.#most) this.#events.delete(this.#events.keys().next().value!);
  }

  get(id: string): EventRow | undefined {
    return this.#events.get(id);
  }

  rows(): EventRow[] {
    return [...this.#events.values()];
  }
}
