import type { Fault } from '#proto/faults.ts';
import { aboutObject } from '#proto/inventory.ts';
import type { ClusterFacts, Heartbeat, Hello, Status as Report } from '#proto/messages.ts';
import type { Connectivity } from './axes.ts';
import type { Heard } from './connectivity.ts';
import { fromFault, type ProblemRow } from './problems.ts';

/** What one agent has said. Mutable: only `Agents` writes it. */
export type AgentRecord = {
  heard: Heard | undefined;
  /** As judged last, so that a change is noticed. */
  connectivity: Connectivity | undefined;
  facts: ClusterFacts;
  reports: Map<string, { report: Report; problems: readonly ProblemRow[] }>;
  problems: readonly ProblemRow[];
};

export const NO_FACTS: ClusterFacts = {};

/**
 * Everything agents have said, by cluster. Clusters that are not in the index are kept aside, because their entry may be about to
 * arrive; of them, and of placements that nobody assigned, only so many are kept, the oldest going first.
 */
export class Agents {
  readonly #records = new Map<string, AgentRecord>();
  readonly #strangers = new Set<string>();
  readonly #mostStrangers: number;
  readonly #mostReports: number;
  #isKnown: (cluster: string) => boolean = () => false;

  constructor({ mostStrangers = 1_000, mostReports = 200 } = {}) {
    this.#mostStrangers = mostStrangers;
    this.#mostReports = mostReports;
  }

  get(cluster: string): AgentRecord | undefined {
    return this.#records.get(cluster);
  }

  entries(): Iterable<[string, AgentRecord]> {
    return this.#records;
  }

  /** How many are kept aside. */
  get strangers(): number {
    return this.#strangers.size;
  }

  /** Says which clusters the index has; the others are strangers from now on. */
  setKnown(isKnown: (cluster: string) => boolean): void {
    this.#isKnown = isKnown;
    this.#strangers.clear();
    for (const cluster of this.#records.keys()) if (!isKnown(cluster)) this.#strangers.add(cluster);
    this.#evict();
  }

  hear(cluster: string, receivedAt: number, clock: number, live: boolean): AgentRecord {
    let record = this.#records.get(cluster);
    if (!record) {
      record = {
        heard: undefined,
        connectivity: undefined,
        facts: NO_FACTS,
        reports: new Map(),
        problems: [],
      };
      this.#records.set(cluster, record);
      if (!this.#isKnown(cluster)) {
        this.#strangers.add(cluster);
        this.#evict();
      }
    }
    const { heard } = record;
    const unbroken = heard?.live && record.connectivity === 'CONNECTED';
    record.heard = {
      at: Math.max(receivedAt, heard?.at ?? 0),
      clock: live ? clock : (heard?.clock ?? clock),
      live: live || (heard?.live ?? false),
      contactSince: unbroken ? heard.contactSince : live ? receivedAt : (heard?.contactSince ?? receivedAt),
    };
    return record;
  }

  /** False where the status is not newer than the one known: it is dropped. */
  keepReport(record: AgentRecord, report: Report, now: number): boolean {
    const known = record.reports.get(report.placement);
    if (known && known.report.seq >= report.seq) return false;
    const { cluster, placement } = report;
    const problems = [...report.faults, ...faultsOfObjects(report)].map((fault) =>
      fromFault(fault, { cluster, placement }, now, known?.problems),
    );
    record.reports.delete(placement);
    record.reports.set(placement, { report, problems });
    while (record.reports.size > this.#mostReports) {
      record.reports.delete(record.reports.keys().next().value!);
    }
    return true;
  }

  keepHello(record: AgentRecord, { facts }: Hello): boolean {
    if (JSON.stringify(record.facts) === JSON.stringify(facts)) return false;
    record.facts = facts;
    return true;
  }

  keepFaults(record: AgentRecord, { cluster, faults }: Heartbeat, now: number): void {
    record.problems = faults.map((fault) => fromFault(fault, { cluster }, now, record.problems));
  }

  #evict(): void {
    while (this.#strangers.size > this.#mostStrangers) {
      const oldest = this.#strangers.values().next().value!;
      this.#strangers.delete(oldest);
      this.#records.delete(oldest);
    }
  }
}

/** What the API server refused, object by object. */
function faultsOfObjects({ objects }: Report): Fault[] {
  return objects.flatMap(({ id, error, errorCode = 'kube-rejected', source }) =>
    error === undefined
      ? []
      : [
          {
            code: errorCode,
            message: aboutObject(id, error),
            ...(source && { source: { file: source } }),
          },
        ],
  );
}
