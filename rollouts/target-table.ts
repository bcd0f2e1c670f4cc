import type { Report, Version } from './facts.ts';
import type { Membership } from './membership.ts';
import type { Line, Run, Target } from './state.ts';

/**
 * The targets of a line as arrays, and counts of them, for looking at all: a record of ten thousand members is slow to go through.
 * Derived from the record alone; nothing in it decides anything that the record does not.
 */
export class TargetTable {
  readonly names: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  readonly list: Target[];
  /** Report of each target that was looked at last, while it made no difference and no time can make one. */
  readonly heard: (Report | null | undefined)[];
  /** Stage → targets that take a slot. */
  readonly #busy: Map<string, number>;
  #removing = 0;
  /** Stage → version that every member has reached, where that was found out. */
  readonly #rested: Map<string, Version>;

  private constructor(
    { names, index }: Pick<TargetTable, 'names' | 'index'>,
    list: Target[],
    heard: TargetTable['heard'],
    busy: Map<string, number>,
    removing: number,
    rested: Map<string, Version>,
  ) {
    this.names = names;
    this.index = index;
    this.list = list;
    this.heard = heard;
    this.#busy = busy;
    this.#removing = removing;
    this.#rested = rested;
  }

  static of(targets: Line['targets']): TargetTable {
    const names = Object.keys(targets);
    const index = new Map(names.map((name, at) => [name, at]));
    const list = names.map((name) => targets[name]!);
    const busy = new Map<string, number>();
    let removing = 0;
    for (const { stage, run } of list) {
      if (isBusy(run)) busy.set(stage, (busy.get(stage) ?? 0) + 1);
      if (isBeingRemoved(run)) removing += 1;
    }
    const heard = new Array<Report | null | undefined>(names.length).fill(undefined);
    return new TargetTable({ names, index }, list, heard, busy, removing, new Map());
  }

  copy(): TargetTable {
    return new TargetTable(
      this,
      this.list.slice(),
      this.heard.slice(),
      new Map(this.#busy),
      this.#removing,
      new Map(this.#rested),
    );
  }

  /** The same targets as a record. */
  toRecord(): Record<string, Target> {
    const { names, list } = this;
    const record: Record<string, Target> = {};
    for (let at = 0; at < names.length; at++) record[names[at]!] = list[at]!;
    return record;
  }

  set(at: number, target: Target): void {
    const was = this.list[at]!;
    this.list[at] = target;
    this.heard[at] = undefined;
    this.#rested.delete(was.stage);
    this.#rested.delete(target.stage);
    this.#count(was, -1);
    this.#count(target, 1);
  }

  #count({ stage, run }: Target, by: number): void {
    if (isBusy(run)) this.#busy.set(stage, (this.#busy.get(stage) ?? 0) + by);
    if (isBeingRemoved(run)) this.#removing += by;
  }

  /** Targets of which something is being removed. */
  get removing(): number {
    return this.#removing;
  }

  busyOf(stage: string): number {
    return this.#busy.get(stage) ?? 0;
  }

  get busy(): ReadonlyMap<string, number> {
    return this.#busy;
  }

  isAtRest(stage: string, version: Version | undefined): boolean {
    return version !== undefined && this.#rested.get(stage) === version;
  }

  rest(stage: string, version: Version): void {
    this.#rested.set(stage, version);
  }

  /** Place of a member → where its target is; -1 where it has none. */
  placesOf(membership: Membership): Int32Array {
    const known = places.get(this.names);
    if (known?.membership === membership) return known.at;
    const at = new Int32Array(membership.memberOf.size);
    for (const { name, place } of membership.memberOf.values()) at[place] = this.index.get(name) ?? -1;
    places.set(this.names, { membership, at });
    return at;
  }
}

const places = new WeakMap<readonly string[], { membership: Membership; at: Int32Array }>();
const tables = new WeakMap<object, TargetTable>();

/** At work: it takes a slot. */
export const isBusy = (run: Run | undefined): boolean =>
  run !== undefined && (run.phase === 'published' || run.phase === 'started') && run.purpose !== 'recall';

const isBeingRemoved = (run: Run | undefined): boolean => run?.digest === null && run.phase !== 'removed';

/** Names of the targets that are not the same objects in two records. */
export function changedTargets(before: Line['targets'] = {}, after: Line['targets'] = {}): string[] {
  if (before === after) return [];
  const [was, is] = [tableOf(before), tableOf(after)];
  if (was.names === is.names) return is.names.filter((_, at) => was.list[at] !== is.list[at]);
  const placeOf = (name: string) => was.index.get(name) ?? -1;
  return [
    ...is.names.filter((name, at) => was.list[placeOf(name)] !== is.list[at]),
    ...was.names.filter((name) => !is.index.has(name)),
  ];
}

/** Made once for a record, which only the draft that made it writes to. */
export function tableOf(targets: Line['targets']): TargetTable {
  const known = tables.get(targets);
  if (known) return known;
  const made = TargetTable.of(targets);
  tables.set(targets, made);
  return made;
}

export const remember = (record: Line['targets'], table: TargetTable): unknown => tables.set(record, table);

/** The record has got other names. */
export const forget = (record: Line['targets']): boolean => tables.delete(record);
