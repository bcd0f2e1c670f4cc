import { displayId } from '#proto/inventory.ts';
import type { FieldDrift } from '#proto/messages.ts';
import type { Passed } from './pass.ts';
import { isConverged } from './pass.ts';

/** What `-o json` prints. Ids are `group/Kind/namespace/name`; the core group and the namespace of cluster-scoped objects are empty. */
export type OnceReport = {
  placement: string;
  actions: { id: string; action: string; error?: string }[];
  drift: {
    id: string;
    kind: string;
    /** JSON pointer; empty for the whole object. */
    path: string;
    /** null where there is none, or where it is secret. */
    desired: unknown;
    live: unknown;
    manager: string | null;
    operation: string | null;
    changedAt: string | null;
    /** The values are secret. */
    redacted?: true;
    /** It was found and is as wanted again. */
    corrected: boolean;
  }[];
  health: { id: string; health: string; reason?: string }[];
  inventory: string[];
  /** Deletions that wait for an approval by commit. */
  held?: { setHash: string; reason: string; ids: string[] };
  ok: boolean;
  /** Why nothing was applied. */
  error?: string;
};

type About = {
  placement: string;
  /** Converged means then that an apply would change nothing. */
  dryRun: boolean;
  /** Drift is taken back, or would be. */
  corrects: boolean;
};

export function reportOf(passed: Passed, { placement, dryRun, corrects }: About): OnceReport {
  const { result, snapshot, drifts, inventory } = passed;
  const healed = new Map(
    snapshot.drifts
      .filter(({ healable }) => healable)
      .map(
        ({ id, kind, path }) => [id, kind === 'MISSING' && path === '' ? 'created' : 'configured'] as const,
      ),
  );
  const errors = new Map(snapshot.objects.flatMap(({ id, error }) => (error ? [[id, error] as const] : [])));
  const actions = result.results.map(({ id, action, error }) => {
    const message = error?.message ?? errors.get(id);
    const would = (dryRun && corrects && action === 'unchanged' && healed.get(id)) || action;
    return { id, action: would, ...(message !== undefined && { error: message }) };
  });
  const standing = new Set(
    snapshot.drifts.map((drift) => JSON.stringify([drift.id, drift.kind, drift.path])),
  );
  const idle = actions.every(({ action }) => action === 'unchanged' || action === 'skipped');
  return {
    placement,
    actions: actions.sort(byId),
    drift: drifts.map((drift) => ({
      ...told(drift),
      corrected: !standing.has(JSON.stringify([drift.id, drift.kind, drift.path])),
    })),
    health: snapshot.objects.map(({ id, health, healthReason }) => ({
      id,
      health,
      ...(healthReason !== undefined && { reason: healthReason }),
    })),
    inventory: [...inventory],
    ...(snapshot.held && {
      held: {
        setHash: snapshot.held.setHash,
        reason: snapshot.held.reason,
        ids: [...snapshot.held.ids],
      },
    }),
    ok: isConverged(snapshot) && (!dryRun || idle),
  };
}

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function told(drift: FieldDrift) {
  const { id, kind, path, desired = null, live = null, manager, operation, changedAt, redacted } = drift;
  return { id, kind, path, desired, live, manager, operation, changedAt, ...(redacted && { redacted }) };
}

/** The same for people: what was done, what differs, what is not well, and one line at the end. */
export function textOf(report: OnceReport, dryRun: boolean): string {
  const { actions, drift, health, held, ok, error } = report;
  const lines = actions
    .filter(({ action }) => action !== 'unchanged')
    .map(({ id, action, error }) => `${action.padEnd(11)}${displayId(id)}${error ? `: ${error}` : ''}`);
  for (const { id, kind, path, desired, live, manager, redacted, corrected } of drift) {
    const values = redacted ? ' (secret)' : `: ${JSON.stringify(live)}, wanted ${JSON.stringify(desired)}`;
    const shown = kind === 'CHANGED' ? values : '';
    const by = manager === null ? '' : ` by ${manager}`;
    const word = corrected ? 'corrected' : kind.toLowerCase();
    lines.push(`${word.padEnd(11)}${displayId(id)}${path ? ` ${path}` : ''}${shown}${by}`);
  }
  const coming = new Set(
    dryRun ? actions.filter(({ action }) => action === 'created').map(({ id }) => id) : [],
  );
  for (const { id, health: state, reason } of health)
    if (state !== 'CURRENT' && !coming.has(id))
      lines.push(`${state.padEnd(11)}${displayId(id)}${reason ? `: ${reason}` : ''}`);
  if (held) lines.push(`held       ${held.reason}; approve the set ${held.setHash} to let it go`);
  if (error) lines.push(error);
  const unchanged = actions.filter(({ action }) => action === 'unchanged').length;
  const what = dryRun
    ? ok
      ? 'nothing would change'
      : 'it would change'
    : ok
      ? 'converged'
      : 'not converged';
  lines.push(`${report.placement}: ${what}; ${actions.length} objects, ${unchanged} unchanged`);
  return `${lines.join('\n')}\n`;
}
