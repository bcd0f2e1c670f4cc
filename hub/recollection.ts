import { FlotillaError } from '#proto/faults.ts';
import type { AuditReader, AuditRow } from './core/audit-reader.ts';
import type { FleetView } from './core/types.ts';

/** Newest entries that are looked at: some months of most fleets. */
const MOST = 3_000;
const PAGE = 100;
/** Nobody is kept waiting for what only shows the past. */
const MOST_MS = 5_000;

/**
 * Reads what happened to rollouts before this hub began, or while another one decided, back from the audit. Where that cannot be read
 * it is told to `warn`: the past is shown less fully, and nothing else depends on it.
 */
export async function recollect(
  audit: AuditReader,
  view: Pick<FleetView, 'toldAt' | 'recollect'>,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(MOST_MS)]);
    view.recollect((await newest(audit, view.toldAt, limit)).reverse());
  } catch (error) {
    if (signal.aborted) return;
    const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
    if (!isTimeout && !(error instanceof FlotillaError)) throw error;
    warn(`the history of rollouts is not read back from the audit: ${(error as Error).message}`);
  }
}

/** Entries after a moment, newest first. */
async function newest(audit: AuditReader, after: number, signal: AbortSignal): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  let before: number | undefined;
  do {
    const since = after > 0 ? { since: after + 1 } : {};
    const page = await audit.audit(
      { first: PAGE, ...since, ...(before !== undefined && { before }) },
      signal,
    );
    rows.push(...page.rows);
    before = page.next;
  } while (before !== undefined && rows.length < MOST);
  return rows;
}
