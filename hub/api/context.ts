import { FlotillaError } from '#proto/faults.ts';
import type { Viewer } from '../access/viewer.ts';
import type { AuditReader } from '../core/audit-reader.ts';
import type { ReadModel } from '../core/view.ts';
import type { Operations } from '../operations/types.ts';

/** What resolvers get. Queries read in memory, but for the audit, which is read where it is kept. */
export type ApiContext = {
  readonly view: ReadModel;
  readonly audit: AuditReader;
  readonly version: string;
  readonly time: QueryTime;
  /** Who asks; undefined for nobody known. */
  readonly viewer: Viewer | undefined;
  readonly operations: Operations;
  /** The hub stops: subscriptions end. */
  readonly closing: AbortSignal;
};

/** Resolvers run to their end without a pause, so that no timer could stop them: they look at the time themselves. */
export class QueryTime {
  readonly #most: number;
  #end: number;

  constructor(milliseconds: number) {
    this.#most = milliseconds;
    this.#end = performance.now() + milliseconds;
  }

  /** Called wherever work grows with the fleet. @throws FlotillaError hub-refused once the query has run for too long */
  check(): void {
    if (this.left < 0) throw this.isOver();
  }

  /** Milliseconds; negative once it is over. */
  get left(): number {
    return this.#end - performance.now();
  }

  /** What a query that has run for too long is told. */
  isOver(): FlotillaError {
    return new FlotillaError('hub-refused', `query took longer than ${this.#most / 1_000} s: ask for less`);
  }

  /** A subscription makes a query of its own of every value. */
  restart(): void {
    this.#end = performance.now() + this.#most;
  }
}
