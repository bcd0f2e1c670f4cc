import type { Logger } from 'pino';
import type { Fault } from '#proto/faults.ts';
import type { FleetView, IndexSnapshot, Reachability } from './core/types.ts';

export type OutsideOptions = {
  readonly view: Pick<FleetView, 'setBus' | 'setStore' | 'setLeader'>;
  readonly log: Logger;
  /** The public key that this hub signs with. */
  readonly hubKey: string;
  /** Unix milliseconds. */
  readonly now: () => number;
};

const OK = 'ok';

/** What people are told of what the hub stands upon: Git, NATS, its store, and which hub decides. Each trouble is logged once. */
export class Outside {
  readonly #options: OutsideOptions;
  #bus: string | undefined;
  #store: string | undefined;
  #lastOkAt: number | undefined;
  #leader: string | undefined;
  #index: IndexSnapshot | undefined;

  constructor(options: OutsideOptions) {
    this.#options = options;
  }

  /** The name of the hub that decides; undefined while none is known to. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** Whether the bus was said to answer last. */
  get isBusUp(): boolean {
    return this.#bus === OK;
  }

  /** Logs a new head, and a Fleet whose agents will not listen to this hub. */
  setIndex(index: IndexSnapshot): void {
    const { log, hubKey } = this.#options;
    const before = this.#index;
    this.#index = index;
    const fleet = index.fleet?.document;
    const named = fleet?.spec.hub?.publicKeys;
    if (named && !named.includes(hubKey) && before?.fleet?.document !== fleet) {
      log.warn(
        `flotilla.yaml trusts ${named.join(', ')}, not this hub (${hubKey}): agents will refuse its documents`,
      );
    }
    if (index.head.oid === before?.head.oid) return;
    const { clusters, placements, problems } = index;
    const counts = { clusters: clusters.size, placements: placements.size, problems: problems.length };
    log.info({ head: index.head.oid, ...counts }, 'indexed');
  }

  setLeader(name: string | undefined): void {
    this.#leader = name;
    this.#options.view.setLeader(name);
    if (name !== undefined) this.#options.log.info({ leader: name }, 'the hub that decides');
  }

  /** True where that is news. */
  setStore(fault: Fault | undefined): boolean {
    const { log, view, now } = this.#options;
    if (fault?.message === this.#store) return false;
    this.#store = fault?.message;
    view.setStore(fault ? { ok: false, ...fault } : { ok: true, lastOkAt: now() });
    if (fault)
      log.warn({ code: fault.code }, `nothing can be stored, so nothing is decided: ${fault.message}`);
    else log.info('what is decided can be stored again');
    return true;
  }

  setBus(reachability: Omit<Reachability, 'lastOkAt'>): void {
    const { log, view, now } = this.#options;
    if (reachability.ok) this.#lastOkAt = now();
    view.setBus({
      ...reachability,
      ...(this.#lastOkAt !== undefined && { lastOkAt: this.#lastOkAt }),
    });
    const said = reachability.ok ? OK : reachability.message;
    if (said === this.#bus) return;
    if (reachability.ok) log.info('connected to NATS, state read');
    else log.warn({ code: reachability.code }, reachability.message);
    this.#bus = said;
  }
}
