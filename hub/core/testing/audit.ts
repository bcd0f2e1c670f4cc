import type { ApplyEntry, AuditEntry } from '../audit-entry.ts';
import { type AuditReader, historyOf, isAsked } from '../audit-reader.ts';

/** A trail in memory: entries and attempts in the order in which they were written. */
export function auditOf(
  entries: readonly (AuditEntry & { result?: string })[] = [],
  applies: readonly ApplyEntry[] = [],
): AuditReader {
  return {
    audit: async (question) => {
      const rows = entries
        .map((entry, at) => ({ ...entry, sequence: at + 1 }))
        .filter(
          (row) => isAsked(row, question) && row.sequence < (question.before ?? Number.POSITIVE_INFINITY),
        )
        .reverse();
      const page = rows.slice(0, question.first);
      return { rows: page, next: rows.length > page.length ? page.at(-1)!.sequence : undefined };
    },
    history: async (cluster, placement) =>
      historyOf(
        applies
          .map((apply, at) => ({ ...apply, sequence: at + 1 }))
          .filter(
            (one) => one.cluster === cluster && (placement === undefined || one.placement === placement),
          ),
      ),
  };
}

/** A person's pause, what followed, and a failed attempt between two good ones. `at` is when the last of it was. */
export function storyOf(
  cluster: string,
  placement: string,
  revisions: readonly string[],
  at: number,
): AuditReader {
  const [first, second = first, third = second] = revisions as [string, string?, string?];
  const tried = (attempt: number, revision: string, more: Partial<ApplyEntry> = {}): ApplyEntry => ({
    cluster,
    placement,
    stage: 'early',
    revision,
    digest: `digest${attempt}`,
    attempt,
    purpose: 'rollout',
    startedAt: attempt,
    endedAt: attempt + 20_000,
    result: 'current',
    counts: { created: 1, configured: 2, pruned: 0, failed: 0 },
    ...more,
  });
  return auditOf(
    [
      {
        id: 'a',
        at: at - 90_000,
        kind: 'rollout',
        action: 'stageStarted',
        placement,
        stage: 'early',
        revision: second!,
      },
      {
        id: 'b',
        at: at - 60_000,
        kind: 'operation',
        action: 'pause',
        by: 'ann',
        groups: ['ops'],
        reason: 'looks odd',
        placement,
        result: 'done',
      },
      {
        id: 'c',
        at: at - 30_000,
        kind: 'removal',
        action: 'removalStarted',
        placement,
        count: 1,
        clusters: [cluster],
      },
      { id: 'e', at: at - 20_000, kind: 'expiry', action: 'holdEnded', cluster, reason: 'eve: disk' },
      {
        id: 'd',
        at,
        kind: 'operation',
        action: 'freeze',
        by: 'bob',
        selector: 'env=prod',
        until: at + 60_000,
      },
    ],
    [
      tried(at - 3_000_000, first),
      tried(at - 2_000_000, second!, { result: 'failed', message: 'ImagePullBackOff' }),
      tried(at - 1_000_000, third!),
    ],
  );
}
