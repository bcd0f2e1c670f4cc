import type { JetStreamClient } from '@nats-io/jetstream';
import { auditSubject, historySubject, STREAMS } from '#proto/subjects.ts';
import type { Trail } from '../core/audit.ts';
import { type AuditEntry, type AuditResult, applyId, writeApply, writeMessage } from '../core/audit-entry.ts';
import { storeFault } from './connect.ts';

/** Where the hub leaves what it does. Nothing may follow from a deed before `write` has resolved. */
export interface AuditPort {
  /**
   * Resolves once all of it is stored. What was written before, under the same ids, is not stored twice within two minutes.
   * @throws FlotillaError store-failed (a full disk, say), nats-unreachable: then nothing of it may be done
   */
  write(trail: Trail, signal: AbortSignal): Promise<void>;
  /** How an operation ended; in words. @throws as `write` */
  writeResult(result: AuditResult, signal: AbortSignal): Promise<void>;
}

type Message = {
  readonly stream: string;
  readonly subject: string;
  readonly id: string;
  readonly text: string;
};

const TIMEOUT_MS = 5_000;
const AT_ONCE = 500;

export class AuditWriter implements AuditPort {
  readonly #client: JetStreamClient;

  constructor(client: JetStreamClient) {
    this.#client = client;
  }

  async write({ entries, applies }: Trail, signal: AbortSignal): Promise<void> {
    const messages: Message[] = [
      ...entries.map((entry) => ({
        stream: STREAMS.audit,
        subject: auditSubject(entry.kind, subjectOf(entry)),
        id: entry.id,
        text: writeMessage(entry),
      })),
      ...applies.map((apply) => ({
        stream: STREAMS.history,
        subject: historySubject(apply.cluster, apply.placement),
        id: applyId(apply),
        text: writeApply(apply),
      })),
    ];
    for (let at = 0; at < messages.length; at += AT_ONCE) {
      signal.throwIfAborted();
      await Promise.all(messages.slice(at, at + AT_ONCE).map((message) => this.#store(message)));
    }
  }

  async writeResult(result: AuditResult, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const subject = auditSubject(RESULT, result.id);
    await this.#store({
      stream: STREAMS.audit,
      subject,
      id: `${result.id}/result`,
      text: writeMessage(result),
    });
  }

  async #store({ stream, subject, id, text }: Message): Promise<void> {
    try {
      await this.#client.publish(subject, text, {
        msgID: id,
        timeout: TIMEOUT_MS,
      });
    } catch (error) {
      throw storeFault(error, `${stream} cannot be written`);
    }
  }
}

/** The kind of a message that tells how the operation of the same id ended. */
export const RESULT = 'result';

/** One token. Operations have one each, so that their results are found by it. */
const subjectOf = ({ kind, id, placement }: AuditEntry) =>
  kind === 'operation' ? id : (placement ?? 'fleet');
