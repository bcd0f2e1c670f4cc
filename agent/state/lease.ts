import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { atLeast, atMost, type Moment, thisMoment } from '#process/moment.ts';
import { pause } from '#process/wait.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { KubeObject } from '../core/object.ts';
import { numberAt, textAt } from '../core/object.ts';
import { isConflict, KubeError } from '../kube/errors.ts';
import type { OwnObjects } from './api.ts';

export type LeaseOptions = {
  /** Who holds it: the same after a restart of the same installation, different for every other one. */
  identity: string;
  leaseMs: number;
  log: Logger;
  now?: () => Moment;
};

/** What the Lease needs of the API server. */
type Objects = Pick<OwnObjects, 'namespace' | 'get' | 'create' | 'replace'>;

const NAME = 'flotilla-agent';

/** The holder is another process; who it is stands in the message. */
export class LeaseHeld extends FlotillaError {}

/**
 * One writer per cluster: the Lease `flotilla-agent` (coordination.k8s.io/v1; the rules of client-go's leader election). Whoever
 * finds it expired *by its own watch* takes it, so clocks of different machines are never compared. A process that comes back with
 * the same identity takes it at once.
 */
export class Lease {
  readonly #objects: Objects;
  readonly #options: LeaseOptions;
  readonly #now: () => Moment;
  #held: KubeObject | undefined;
  /** The Lease of somebody else as seen first, and when by our clock. */
  #seen: { version: string; at: Moment } | undefined;

  constructor(objects: Objects, options: LeaseOptions) {
    this.#objects = objects;
    this.#options = options;
    this.#now = options.now ?? thisMoment;
  }

  /**
   * Takes the Lease, once.
   * @throws LeaseHeld while another process holds it; KubeError when the API server cannot be asked
   */
  async acquire(signal: AbortSignal): Promise<void> {
    const { identity, leaseMs } = this.#options;
    const found = await this.#objects.get('Lease', NAME, signal);
    if (!found) {
      this.#held = await this.#objects.create('Lease', NAME, { spec: this.#spec(0) }, {}, signal);
      return;
    }
    const holder = textAt(found, 'spec', 'holderIdentity') ?? '';
    if (holder !== '' && holder !== identity && !this.#expired(found)) {
      throw new LeaseHeld(
        'lease-held',
        `another agent (${holder}) holds the Lease ${this.#objects.namespace}/${NAME}; waiting up to ${Math.ceil(leaseMs / 1000)} s after its last sign of life`,
      );
    }
    const transitions = (numberAt(found, 'spec', 'leaseTransitions') ?? 0) + 1;
    try {
      this.#held = await this.#objects.replace('Lease', { ...found, spec: this.#spec(transitions) }, signal);
    } catch (error) {
      if (!isConflict(error)) throw error;
      throw new LeaseHeld('lease-held', 'another agent took the Lease at the same moment', { cause: error });
    }
    this.#seen = undefined;
  }

  /**
   * Renews until the signal is aborted (then resolves) or the Lease is lost (then rejects): to another holder, or because it
   * was not renewed for two thirds of its time: writing stops before anybody else may begin.
   * @throws LeaseHeld, KubeError; config-invalid when a second process has our identity: the older one has to go
   */
  async keep(signal: AbortSignal): Promise<void> {
    const { leaseMs, log } = this.#options;
    // Whoever waits counts from its own sight of the last renewal, later than we sent it: a third of the Lease is the margin.
    const patienceMs = (leaseMs * 2) / 3;
    let renewed = this.#now();
    let wait = leaseMs / 3;
    for (;;) {
      await pause(wait, signal);
      if (signal.aborted) return;
      const sent = this.#now();
      const late = AbortSignal.timeout(Math.max(1, Math.ceil(patienceMs - atMost(renewed, sent))));
      try {
        await this.#renew(AbortSignal.any([signal, late]));
        renewed = sent;
        wait = leaseMs / 3;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof KubeError || late.aborted)) throw error;
        const since = atMost(renewed, this.#now());
        log.warn(`the Lease was not renewed: ${(error as Error).message}`);
        if (since >= patienceMs) throw this.#unrenewed(since, error);
        wait = Math.min(leaseMs / 10, patienceMs - since);
      }
    }
  }

  #unrenewed(since: number, cause: unknown): FlotillaError {
    const seconds = Math.round(since / 1000);
    return new FlotillaError(
      'kube-unreachable',
      `the Lease ${this.#objects.namespace}/${NAME} was not renewed for ${seconds} s: nothing is written until it is held again`,
      { cause },
    );
  }

  /** Gives it up, so that a successor need not wait. */
  async release(signal: AbortSignal): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (!held) return;
    const spec = { ...this.#spec(numberAt(held, 'spec', 'leaseTransitions') ?? 0), holderIdentity: '' };
    try {
      await this.#objects.replace('Lease', { ...held, spec }, signal);
    } catch (error) {
      this.#options.log.warn(`the Lease was not released: ${(error as Error).message}`);
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const held = this.#held!;
    const transitions = numberAt(held, 'spec', 'leaseTransitions') ?? 0;
    const spec = { ...this.#spec(transitions), acquireTime: textAt(held, 'spec', 'acquireTime') };
    try {
      this.#held = await this.#objects.replace('Lease', { ...held, spec }, signal);
    } catch (error) {
      if (!isConflict(error)) throw error;
      // Our own write may have arrived although its answer was lost; only another holder or another start is a loss.
      const found = await this.#objects.get('Lease', NAME, signal);
      const ours =
        found &&
        textAt(found, 'spec', 'holderIdentity') === this.#options.identity &&
        numberAt(found, 'spec', 'leaseTransitions') === transitions;
      const namesake = !ours && textAt(found, 'spec', 'holderIdentity') === this.#options.identity;
      if (namesake) {
        throw new FlotillaError(
          'config-invalid',
          `another process has started with the identity ${this.#options.identity} of this one: give every agent a data directory of its own`,
        );
      }
      if (!ours) {
        throw new LeaseHeld(
          'lease-held',
          `the Lease was taken over by ${textAt(found, 'spec', 'holderIdentity') || 'nobody'}`,
        );
      }
      this.#held = found;
    }
  }

  #spec(leaseTransitions: number): Record<string, unknown> {
    const now = `${new Date().toISOString().slice(0, -1)}000Z`; // MicroTime
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(this.#options.leaseMs / 1000)),
      acquireTime: now,
      renewTime: now,
      leaseTransitions,
    };
  }

  /** Whether the Lease has not moved for its whole duration while we looked. */
  #expired(found: KubeObject): boolean {
    const version = found.metadata.resourceVersion ?? '';
    const now = this.#now();
    if (this.#seen?.version !== version) this.#seen = { version, at: now };
    const duration = (numberAt(found, 'spec', 'leaseDurationSeconds') ?? this.#options.leaseMs / 1000) * 1000;
    return atLeast(this.#seen.at, now) > duration;
  }
}

/** Host name and a part that belongs to this installation: readable in `kubectl get lease`. */
export const leaseIdentity = (instance: string): string => `${hostname().slice(0, 100)}_${instance}`;
