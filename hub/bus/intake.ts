import type { z } from 'zod';
import { FlotillaError } from '#proto/faults.ts';
import { LIMITS } from '#proto/limits.ts';
import {
  type AgentEvent,
  event,
  type Heartbeat,
  type Hello,
  heartbeat,
  hello,
  parseMessage,
  type Status,
  status,
} from '#proto/messages.ts';
import { clusterOf, tailOf, up } from '#proto/subjects.ts';
import { TokenBucket } from '../core/rate-limit.ts';

/** Who is told of messages that were checked; `receivedAt` is Unix milliseconds. */
export interface IntakeTarget {
  /** Whether there is an entry for the cluster; messages of others are dropped. */
  knows(cluster: string): boolean;
  onStatus(status: Status, receivedAt: number): void;
  onHello(hello: Hello, receivedAt: number): void;
  onHeartbeat(heartbeat: Heartbeat, receivedAt: number): void;
  onEvent(event: AgentEvent, receivedAt: number): void;
  /** Nothing was done with a message. `reason` is one of few words, `detail` says more. */
  onRefused(cluster: string, reason: Refusal, detail: string): void;
}
export type Refusal =
  | 'unknown-cluster'
  | 'unknown-subject'
  | 'too-large'
  | 'malformed'
  | 'version-unknown'
  | 'wrong-cluster'
  | 'wrong-placement'
  | 'too-many';

const DEFAULT_RATE = { perSecond: 50, burst: 200 };
/** Subjects of one cluster that may wait for their turn; more are dropped, and come first when they are sent again. */
const MOST_WAITING = 512;
const MOST_OWED = 8_192;

/**
 * What agents send, on its way in: sizes, schemas and rates are checked, and that a message says what its subject says:
 * NATS has checked the subject, nobody has checked the body. Over its rate, a cluster's newest message of each subject waits
 * (`drain`), older ones are dropped; events over the rate are dropped here and stay in their stream. Where too many wait, those
 * that were dropped longest ago come first: who sends all it has again and again is heard out.
 */
export class Intake {
  readonly #target: IntakeTarget;
  readonly #rate: { perSecond: number; burst: number };
  readonly #buckets = new Map<string, TokenBucket>();
  /** Cluster → subject → newest text. */
  readonly #waiting = new Map<string, Map<string, string>>();
  /** Cluster → subjects that were dropped and not delivered since → when that began, in order. */
  readonly #owed = new Map<string, Map<string, number>>();
  #dropped = 0;

  constructor(target: IntakeTarget, rate: { perSecond: number; burst: number } = DEFAULT_RATE) {
    this.#target = target;
    this.#rate = rate;
  }

  /** A live message. */
  receive(subject: string, data: Uint8Array, now: number): void {
    const cluster = clusterOf(subject);
    if (!this.#admits(cluster, data.length)) return;
    const waiting = this.#waiting.get(cluster);
    if (!waiting?.has(subject) && this.#bucket(cluster).take(now)) this.#deliver(subject, text(data), now);
    else if (tailOf(subject) === 'event') this.#target.onRefused(cluster, 'too-many', subject);
    else this.#hold(cluster, subject, text(data));
  }

  /** A message that a stream kept: rates do not apply, `receivedAt` is when it was stored. */
  replay(subject: string, data: Uint8Array, receivedAt: number): void {
    if (this.#admits(clusterOf(subject), data.length)) this.#deliver(subject, text(data), receivedAt);
  }

  /** Delivers what waited, as far as the rates allow now. */
  drain(now: number): void {
    for (const [cluster, waiting] of this.#waiting) {
      for (const [subject, held] of waiting) {
        if (!this.#bucket(cluster).take(now)) break;
        waiting.delete(subject);
        this.#deliver(subject, held, now);
      }
      if (waiting.size === 0) this.#waiting.delete(cluster);
    }
  }

  /** True while a message of the cluster waits: what it says about itself may be ahead of what was delivered. */
  isBehind(cluster: string): boolean {
    return this.#waiting.has(cluster);
  }

  /** Lets go of what is kept for clusters that have no entry any more. */
  forget(cluster: string): void {
    this.#buckets.delete(cluster);
    this.#waiting.delete(cluster);
    this.#owed.delete(cluster);
  }

  #admits(cluster: string, bytes: number): boolean {
    const known = this.#target.knows(cluster);
    if (!known) this.#target.onRefused(cluster, 'unknown-cluster', `cluster ${cluster} has no entry`);
    else if (bytes > LIMITS.messageBytes) this.#target.onRefused(cluster, 'too-large', `${bytes} bytes`);
    return known && bytes <= LIMITS.messageBytes;
  }

  #bucket(cluster: string): TokenBucket {
    let bucket = this.#buckets.get(cluster);
    if (!bucket) {
      bucket = new TokenBucket(this.#rate);
      this.#buckets.set(cluster, bucket);
    }
    return bucket;
  }

  #hold(cluster: string, subject: string, held: string): void {
    const waiting = this.#waiting.get(cluster) ?? new Map<string, string>();
    this.#waiting.set(cluster, waiting);
    const signs = [up.heartbeat(cluster), up.hello(cluster)];
    // That it lives is not lost among what it has to say.
    if (waiting.size < MOST_WAITING || waiting.has(subject) || signs.includes(subject)) {
      waiting.set(subject, held);
      return;
    }
    const owed = this.#owed.get(cluster) ?? new Map<string, number>();
    this.#owed.set(cluster, owed);
    const last = owed.has(subject) ? lastOf(waiting.keys(), owed, subject, signs) : subject;
    if (last !== subject) {
      waiting.delete(last);
      waiting.set(subject, held);
    }
    if (!owed.has(last) && owed.size < MOST_OWED) owed.set(last, ++this.#dropped);
    this.#target.onRefused(cluster, 'too-many', last);
  }

  #deliver(subject: string, held: string, receivedAt: number): void {
    const cluster = clusterOf(subject);
    const tail = tailOf(subject);
    const target = this.#target;
    const owed = this.#owed.get(cluster);
    if (owed?.delete(subject) && owed.size === 0) this.#owed.delete(cluster);
    try {
      if (tail === 'hello') target.onHello(this.#read(hello, held, subject), receivedAt);
      else if (tail === 'hb') target.onHeartbeat(this.#read(heartbeat, held, subject), receivedAt);
      else if (tail === 'event') target.onEvent(this.#read(event, held, subject), receivedAt);
      else if (/^status\.[^.]+$/.test(tail)) {
        const read = this.#read(status, held, subject);
        const named = tail.slice('status.'.length);
        if (read.placement === named) target.onStatus(read, receivedAt);
        else target.onRefused(cluster, 'wrong-placement', `${subject} names placement ${read.placement}`);
      } else target.onRefused(cluster, 'unknown-subject', subject);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      target.onRefused(cluster, error.reason, error.message);
    }
  }

  #read<T extends { cluster: string }>(schema: z.ZodType<T>, held: string, subject: string): T {
    let message: T;
    try {
      message = parseMessage(schema, held, `message on ${subject}`);
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error;
      const reason = error.code === 'desired-version-unknown' ? 'version-unknown' : 'malformed';
      throw new Refused(reason, error.message);
    }
    if (message.cluster !== clusterOf(subject))
      throw new Refused('wrong-cluster', `message on ${subject} names cluster ${message.cluster}`);
    return message;
  }
}

class Refused extends Error {
  readonly reason: Refusal;
  constructor(reason: Refusal, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Of a subject and others, the one that is owed for the shortest time, or not at all. */
function lastOf(
  others: Iterable<string>,
  owed: ReadonlyMap<string, number>,
  subject: string,
  except: readonly string[],
): string {
  let [last, since] = [subject, owed.get(subject)!];
  for (const other of others) {
    const its = owed.get(other);
    if ((its !== undefined && its <= since) || except.includes(other)) continue;
    if (its === undefined) return other;
    [last, since] = [other, its];
  }
  return last;
}

const text = (data: Uint8Array) => Buffer.from(data).toString('utf8');
