import { JetStreamApiCodes, JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { sealDesired } from '#proto/envelope.ts';
import { FlotillaError } from '#proto/faults.ts';
import { LIMITS } from '#proto/limits.ts';
import type { DesiredPayload } from '#proto/messages.ts';
import type { Nkey } from '#proto/nkey.ts';
import { desiredSubject, STREAMS } from '#proto/subjects.ts';
import { storeFault } from './connect.ts';
import { readStream } from './read-stream.ts';

type Stored = { sequence: number; envelope: string };
export type PublishResult = 'published' | 'equal' | 'conflict';

const TIMEOUT_MS = 5_000;

/**
 * Makes the DESIRED stream say what hub state says: one signed document per cluster, written only where it differs, and
 * only over the message that was seen last, so that two hubs can never fight over a cluster.
 */
export class DesiredPublisher {
  readonly #client: JetStreamClient;
  readonly #key: Nkey;
  #stored = new Map<string, Stored>();

  constructor(client: JetStreamClient, key: Nkey) {
    this.#client = client;
    this.#key = key;
  }

  /** Reads what is stored; what is published later is compared with this. @throws FlotillaError store-failed */
  async load(signal: AbortSignal): Promise<void> {
    const stored = new Map<string, Stored>();
    const prefix = desiredSubject('');
    const take = ({ subject, data, sequence }: { subject: string; data: Uint8Array; sequence: number }) => {
      const envelope = Buffer.from(data).toString('utf8');
      stored.set(subject.slice(prefix.length), { sequence, envelope });
    };
    await readStream(this.#client, STREAMS.desired, take, signal);
    this.#stored = stored;
  }

  /** The envelope that the stream holds for a cluster, as far as this hub knows. */
  stored(cluster: string): string | undefined {
    return this.#stored.get(cluster)?.envelope;
  }

  /**
   * `equal` costs nothing. `conflict`: somebody else wrote; the caller loads everything and decides anew.
   * @throws FlotillaError store-failed; desired-malformed for a document that is too large to send
   */
  async publish(document: DesiredPayload): Promise<PublishResult> {
    const { cluster } = document;
    const last = this.#stored.get(cluster);
    if (last && says(last.envelope, document, this.#key.publicKey)) return 'equal';
    const envelope = sealDesired(document, this.#key);
    if (envelope.length > LIMITS.messageBytes)
      throw new FlotillaError(
        'desired-malformed',
        `the document of cluster ${cluster} has ${envelope.length} bytes, more than the ${LIMITS.messageBytes} that can be sent`,
      );
    try {
      const { seq } = await this.#client.publish(desiredSubject(cluster), envelope, {
        timeout: TIMEOUT_MS,
        expect: { streamName: STREAMS.desired, lastSubjectSequence: last?.sequence ?? 0 },
      });
      this.#stored.set(cluster, { sequence: seq, envelope });
      return 'published';
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence)
        return 'conflict';
      throw storeFault(error, `the document of cluster ${cluster} cannot be published`);
    }
  }
}

/** Whether an envelope of ours holds exactly this document. Signatures are not compared: equal input has equal ones. */
function says(envelope: string, document: DesiredPayload, publicKey: string): boolean {
  let outer: { key?: unknown; payload?: unknown } | null;
  try {
    outer = JSON.parse(envelope);
  } catch {
    return false; // somebody stored something else: it is written over
  }
  return outer?.key === publicKey && outer.payload === JSON.stringify(document);
}
