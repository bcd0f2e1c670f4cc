import { type ApplyEntry, type AuditEntry, applyId } from './audit-entry.ts';

/** What is asked of the trail. Times are Unix milliseconds; what is left out is not looked at. */
export type AuditQuestion = {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly actor?: string | undefined;
  readonly actions?: readonly string[] | undefined;
  /** Where the page before ended. */
  readonly before?: number | undefined;
  readonly first: number;
};
export type AuditRow = AuditEntry & { readonly sequence: number; readonly result?: string };
/** `next` is where to go on; a page may be short, or empty, and have a next one. */
export type AuditPage = { readonly rows: readonly AuditRow[]; readonly next: number | undefined };

/** What an attempt led from, as far as it is kept: the digest that was Current before it; null where there was none. */
export type ApplyRow = ApplyEntry & { readonly sequence: number; readonly from?: string | null };

/** The trail, read: newest first. */
export interface AuditReader {
  /** @throws FlotillaError store-failed, nats-unreachable */
  audit(question: AuditQuestion, signal: AbortSignal): Promise<AuditPage>;
  /** Attempts on a cluster, of one placement or of all; the newest of each are kept. @throws as `audit` */
  history(cluster: string, placement: string | undefined, signal: AbortSignal): Promise<ApplyRow[]>;
}

/** Whether an entry is asked for. */
export function isAsked({ at, by, action }: AuditEntry, question: AuditQuestion): boolean {
  const { since, until, actor, actions } = question;
  return (
    (since === undefined || at >= since) &&
    (until === undefined || at < until) &&
    (actor === undefined || (by ?? HUB_ACTOR) === actor) &&
    (!actions || actions.includes(action))
  );
}

/** The name of what did something where no person did. */
export const HUB_ACTOR = 'flotilla';

/** Newest first, from oldest first, each with what it led from. A repetition of an id is one entry. */
export function historyOf(stored: readonly (ApplyEntry & { sequence: number })[]): ApplyRow[] {
  const current = new Map<string, string | null>();
  const seen = new Set<string>();
  const rows: ApplyRow[] = [];
  for (const apply of stored) {
    const id = applyId(apply);
    if (seen.has(id)) continue;
    seen.add(id);
    const from = current.get(apply.placement);
    // Who was Current before and regressed ran this very digest already.
    rows.push({ ...apply, ...(from !== undefined && apply.result !== 'regressed' && { from }) });
    if (apply.result === 'current' || apply.result === 'removed') current.set(apply.placement, apply.digest);
  }
  return rows.reverse();
}
