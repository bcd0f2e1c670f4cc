import { randomUUID } from 'node:crypto';
import { clip } from '#proto/limits.ts';
import type { AuditPort } from './bus/audit-writer.ts';
import { type AuditEntry, operationEntry } from './core/audit-entry.ts';
import { DenialLimit } from './core/denial-limit.ts';
import type { Denied } from './operations/types.ts';

export type DenialsOptions = {
  readonly audit: AuditPort;
  readonly warn: (message: string) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
};

/**
 * Leaves behind who ordered what they may not. Nothing follows from such an order, so nothing waits for its entry: where it cannot be
 * stored, or there are too many, `warn` is told and the order is refused all the same.
 */
export class Denials {
  readonly #options: DenialsOptions;
  readonly #limit = new DenialLimit();

  constructor(options: DenialsOptions) {
    this.#options = options;
  }

  /** Resolves once what is kept of them is stored, or cannot be. */
  async tell(denied: readonly Denied[], signal: AbortSignal): Promise<void> {
    for (const one of denied) {
      const now = this.#options.now();
      const { by } = 'placement' in one.command ? one.command.order : one.command;
      const leave = this.#limit.take(by, now);
      if (leave.store) await this.#store(one, leave.omitted, now, signal);
      else if (leave.isFirst)
        this.#options.warn(`${by} orders what is not permitted, over and over: the audit lists it no more`);
    }
  }

  async #store({ command, why }: Denied, omitted: number, now: number, signal: AbortSignal): Promise<void> {
    const { audit, warn } = this.#options;
    const id = randomUUID();
    const more = omitted > 0 ? `; ${omitted} more were refused before it that are not listed` : '';
    try {
      await audit.write({ entries: [clipped(operationEntry(id, command, now))], applies: [] }, signal);
      await audit.writeResult({ id, result: `refused: ${clip(why)}${more}` }, signal);
    } catch (error) {
      warn(`a refused order is not in the audit: ${(error as Error).message}`);
    }
  }
}

/** What is named in an order that nobody looked into may be of any length. */
const clipped = (entry: AuditEntry): AuditEntry =>
  Object.fromEntries(
    Object.entries(entry).map(([key, value]) => [key, typeof value === 'string' ? clip(value) : value]),
  ) as AuditEntry;
