import { randomUUID } from 'node:crypto';
import { FlotillaError } from '#proto/faults.ts';
import { type FleetCommand, type Ordered, orderFleet } from '#rollouts/fleet-commands.ts';
import type { Refused } from '#rollouts/order.ts';
import { type Ordered as Audited, storeDecision, storeResults } from './audited.ts';
import type { AuditPort } from './bus/audit-writer.ts';
import { advance, fleetFactsAt, isDecided } from './core/advance.ts';
import type { Step } from './core/audit.ts';
import {
  EMPTY_STATE,
  type FleetView,
  type HubFacts,
  type HubState,
  type IndexSnapshot,
  type Only,
} from './core/types.ts';
import type { Inbox } from './inbox.ts';
import type { WebhookPort } from './webhooks/webhooks.ts';

export type DecisionsOptions = {
  readonly view: Pick<FleetView, 'setState' | 'onFleetEvents'>;
  readonly inbox: Pick<Inbox, 'facts' | 'takeChanges' | 'remember'>;
  readonly webhooks: WebhookPort;
  readonly audit: AuditPort;
  readonly countsOf: Step['countsOf'];
  readonly warn: (message: string) => void;
  /** Rejects where it cannot be saved. */
  readonly save: (state: HubState, signal: AbortSignal) => Promise<'saved' | 'conflict'>;
  readonly marker?: ((name: string) => void) | undefined;
};

type Order = {
  /** The same in the audit, however often it is tried. */
  readonly id: string;
  readonly command: FleetCommand;
  readonly done: (answer: Ordered | Refused) => void;
  readonly failed: (error: unknown) => void;
};

/** Everything is looked at again so often, also for what depends on the day: approvals that expire. */
const LOOK_MS = 60_000;
/** Hub time is saved with every decision, and so often at least. */
const CLOCK_MS = 15_000;
const MOST_ORDERS = 1_000;

/**
 * What the hub has decided, one decision after the other: orders of people and what was heard go in, state is saved, and only then
 * does anybody hear of it. Between decisions it remembers which placements something may have changed for.
 */
export class Decisions {
  readonly #options: DecisionsOptions;
  readonly #wakes = new Map<string, number>();
  #orders: Order[] = [];
  #state: HubState = EMPTY_STATE;
  #answers: WebhookPort['answers'] = new Map();
  #shown: HubState | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  get state(): HubState {
    return this.#state;
  }

  /** Goes on from saved state. */
  adopt(state: HubState): void {
    this.#state = state;
    this.#options.inbox.remember(Object.keys(state.fleet.silent));
    this.#options.view.setState(state, undefined);
    this.lookAtAll();
  }

  /** What another hub has decided, as of now; for a hub that does not decide. */
  show(index: IndexSnapshot, now: number): void {
    const { inbox, view, webhooks } = this.#options;
    if (now - this.#lookedAt < LOOK_MS && this.#shown === this.#state) return;
    const facts = { index, ...inbox.facts(true), answers: webhooks.answers };
    view.setState(this.#state, index.fleet && fleetFactsAt(this.#state, facts, now));
    [this.#shown, this.#lookedAt] = [this.#state, now];
  }

  /** Something has changed that concerns every placement. */
  lookAtAll(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Carried out with the next decision; resolves once that is saved. Who does not wait any longer is told so, and an order that is not
   * being carried out yet never is. @throws FlotillaError hub-refused, store-failed
   */
  order(command: FleetCommand, signal: AbortSignal): Promise<Ordered | Refused> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#orders.length >= MOST_ORDERS) {
      const message = `${MOST_ORDERS} orders wait to be carried out: try again`;
      return Promise.reject(new FlotillaError('hub-refused', message));
    }
    return new Promise((done, failed) => {
      const order = { id: randomUUID(), command, done, failed };
      this.#orders.push(order);
      const leave = () => {
        this.#orders = this.#orders.filter((one) => one !== order);
        failed(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Whoever waits for an order is told that it was not carried out. */
  refuseOrders(error: FlotillaError): void {
    for (const { failed } of this.#orders.splice(0)) failed(error);
  }

  /** Milliseconds until time alone may change something. */
  waitMs(now: number): number {
    return Math.max(0, Math.min(LOOK_MS, ...this.#wakes.values().map((at) => at - now)));
  }

  /** Clusters whose document is another one now; `conflict` when another hub has saved state: nothing was decided. */
  async decide(
    index: IndexSnapshot,
    { now, connected }: { now: number; connected: boolean },
    signal: AbortSignal,
  ): Promise<string[] | 'conflict'> {
    const { inbox, webhooks, countsOf } = this.#options;
    const facts = { index, ...inbox.facts(connected), answers: webhooks.answers };
    const orders = this.#orders.splice(0);
    try {
      const only = this.#concerned(now, orders);
      const ordered = this.#carryOut(orders, facts, now);
      const advanced = advance(ordered.state, facts, now, only);
      const isNews = isDecided(this.#state, advanced.state);
      if (isNews || orders.length > 0) {
        const { state: before, audited } = ordered;
        const { state: after, events } = advanced;
        await storeDecision(this.#options.audit, audited, { before, after, events, now, countsOf }, signal);
        this.#options.marker?.('audit-stored');
      }
      if (isNews || now - this.#savedAt >= CLOCK_MS) {
        if ((await this.#options.save(advanced.state, signal)) === 'conflict') {
          const why = 'another hub has decided meanwhile';
          await this.#tell(ordered.audited, `unknown: ${why}`, signal);
          this.#giveUp(orders, new FlotillaError('hub-refused', `${why}: try again`));
          return 'conflict';
        }
        this.#savedAt = now;
        if (isNews) this.#options.marker?.('state-saved');
      }
      this.#state = advanced.state;
      const looked = only?.placements === 'all' ? undefined : only?.placements;
      if (!looked) this.#wakes.clear();
      // What was due has been looked at, also where nothing is left that could be.
      for (const placement of looked ?? []) this.#wakes.delete(placement);
      for (const [placement, at] of advanced.wakes) this.#wakes.set(placement, at);
      // Also where nothing is decided: Git may say something new that waits.
      this.#options.view.setState(advanced.state, advanced.facts);
      const events = [...ordered.events, ...advanced.events];
      if (events.length > 0) this.#options.view.onFleetEvents(events, now);
      webhooks.want(advanced.requests, looked && new Set([...looked, ...advanced.wakes.keys()]));
      if (advanced.requests.length > 0) this.#options.marker?.('webhooks-wanted');
      await this.#tell(ordered.audited, 'done', signal);
      if (orders.length > 0) this.#options.marker?.('results-stored');
      for (const { tell } of ordered.answers) tell();
      return advanced.effects.map(({ cluster }) => cluster);
    } catch (error) {
      this.#giveUp(orders, error);
      throw error;
    }
  }

  async #tell(audited: readonly Audited[], result: string, signal: AbortSignal): Promise<void> {
    const { audit, warn } = this.#options;
    await storeResults(audit, audited, result, warn, signal);
  }

  #giveUp(orders: readonly Order[], error: unknown): void {
    this.lookAtAll();
    for (const { failed } of orders) failed(error);
  }

  /** What may have changed since the last decision; undefined: everything. */
  #concerned(now: number, orders: readonly Order[]): Only | undefined {
    const changes = this.#options.inbox.takeChanges();
    const { answers } = this.#options.webhooks;
    const all = !changes || orders.length > 0 || answers !== this.#answers || now - this.#lookedAt >= LOOK_MS;
    if (all) {
      this.#lookedAt = now;
      this.#answers = answers;
      return undefined;
    }
    if (changes.placements === 'all') return changes;
    const due = [...this.#wakes].filter(([, at]) => at <= now).map(([placement]) => placement);
    return { ...changes, placements: new Set([...changes.placements, ...due]) };
  }

  #carryOut(orders: readonly Order[], facts: HubFacts, now: number) {
    let state = this.#state;
    const events: Ordered['events'][number][] = [];
    const answers: { readonly tell: () => void }[] = [];
    const audited: Audited[] = [];
    for (const { id, command, done } of orders) {
      const result = orderFleet(state.fleet, fleetFactsAt(state, facts, now), command, now);
      answers.push({ tell: () => done(result) });
      audited.push({ id, command, ...('refused' in result ? result : { events: result.events }) });
      if ('refused' in result) continue;
      state = { ...state, fleet: result.state };
      events.push(...result.events);
    }
    return { state, events, answers, audited };
  }
}
