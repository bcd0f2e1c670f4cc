import { aboutObject, displayId } from '#proto/inventory.ts';
import type { FieldDrift, HealthState } from '#proto/messages.ts';
import type { Passed } from './pass.ts';
import { isConverged } from './pass.ts';

/** What `-o json` prints. Ids are `group/Kind/namespace/name`; the core group and the namespace of cluster-scoped objects are empty. */
export type OnceReport = {
  placement: string;
  /**
   * `left`: why something that is no longer wanted stays in the cluster; `source`: the file in the repository of what has an error, where known; `takenFrom`: field managers whose fields were taken over,
   * or in a dry run would be; `recreated`: it was there, and is deleted and created again.
   */
  actions: {
    id: string;
    action: string;
    error?: string;
    left?: string;
    source?: string;
    takenFrom?: string[];
    recreated?: true;
  }[];
  drift: {
    id: string;
    /** `missing`, `changed` or `extra`. */
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
  /** As kstatus writes them: Current, InProgress, Failed, Terminating, NotFound, Unknown. */
  health: { id: string; health: string; reason?: string }[];
  inventory: string[];
  /** Applied for this placement once, and named neither by Git nor by an inventory; of the kinds that were looked at. */
  orphans?: string[];
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
  const known = new Map(snapshot.objects.map((object) => [object.id, object]));
  const held = snapshot.held ?? result.wouldHold;
  const kept = new Set(held?.ids);
  const told = result.results.filter(({ id, action }) => action !== 'pruned' || !kept.has(id));
  const actions = told.map(({ id, action, error, left, recreated }) => {
    const { error: standing, source, takenFrom } = known.get(id) ?? {};
    // A dry run that is refused for now says nothing of an object that would be deleted and created again.
    const message = error?.message ?? (dryRun && action === 'created' ? undefined : standing);
    const would = (dryRun && corrects && action === 'unchanged' && healed.get(id)) || action;
    return {
      id,
      action: would,
      ...(left !== undefined && { left }),
      ...(message !== undefined && { error: message, ...(source !== undefined && { source }) }),
      ...(takenFrom && { takenFrom: [...takenFrom] }),
      ...(recreated && { recreated }),
    };
  });
  const standing = new Set(
    snapshot.drifts.map((drift) => JSON.stringify([drift.id, drift.kind, drift.path])),
  );
  const idle = actions.every(({ action }) => action === 'unchanged' || action === 'skipped');
  return {
    placement,
    actions: actions.sort(byId),
    drift: drifts
      .map((drift) => ({
        ...fieldOf(drift),
        corrected: !standing.has(JSON.stringify([drift.id, drift.kind, drift.path])),
      }))
      .sort((a, b) => byId(a, b) || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    health: snapshot.objects.map(({ id, health, healthReason }) => ({
      id,
      health: KSTATUS[health],
      ...(healthReason !== undefined && { reason: healthReason }),
    })),
    inventory: [...inventory],
    ...(snapshot.orphans.length > 0 && { orphans: [...snapshot.orphans] }),
    ...(held && { held: { setHash: held.setHash, reason: held.reason, ids: [...held.ids] } }),
    ok: isConverged(snapshot) && !held && (!dryRun || idle),
  };
}

const KSTATUS = {
  CURRENT: 'Current',
  IN_PROGRESS: 'InProgress',
  FAILED: 'Failed',
  TERMINATING: 'Terminating',
  NOT_FOUND: 'NotFound',
  UNKNOWN: 'Unknown',
} as const satisfies Record<HealthState, string>;

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function fieldOf(drift: FieldDrift) {
  const { id, kind, path, desired = null, live = null, manager, operation, changedAt, redacted } = drift;
  const word = kind.toLowerCase();
  return {
    id,
    kind: word,
    path,
    desired,
    live,
    manager,
    operation,
    changedAt,
    ...(redacted && { redacted }),
  };
}

/** The same for people: what was done, what differs, what is not well, and one line at the end. */
export function textOf(report: OnceReport, dryRun: boolean): string {
  const { actions, drift, health, held, orphans = [], ok, error } = report;
  const lines = actions
    .filter(({ action }) => action !== 'unchanged')
    .map(({ id, action, error, left, source, takenFrom, recreated }) => {
      const from = takenFrom ? ` (taken over from ${takenFrom.join(', ')})` : '';
      const at = source ? ` (${source})` : '';
      if (left) return row('left', `${displayId(id)} stays in the cluster: ${left}`);
      const first = recreated ? ` (${dryRun ? 'would be ' : ''}deleted first: a field is immutable)` : '';
      return row(action, error ? aboutObject(id, `${error}${at}${from}`) : `${displayId(id)}${from}${first}`);
    });
  for (const { id, kind, path, desired, live, manager, redacted, corrected } of drift) {
    const values = redacted ? ' (secret)' : `: ${JSON.stringify(live)}, wanted ${JSON.stringify(desired)}`;
    const shown = kind === 'changed' ? values : '';
    const by = manager === null ? '' : ` by ${manager}`;
    const word = corrected ? 'corrected' : kind;
    lines.push(row(word, `${displayId(id)}${path ? ` ${path}` : ''}${shown}${by}`));
  }
  const coming = new Set(
    dryRun ? actions.filter(({ action }) => action === 'created').map(({ id }) => id) : [],
  );
  const failed = new Set(actions.filter(({ action }) => action === 'failed').map(({ id }) => id));
  for (const { id, health: state, reason } of health)
    if (state !== KSTATUS.CURRENT && !coming.has(id) && !(UNTOLD.has(state) && failed.has(id)))
      lines.push(row(state, `${displayId(id)}${reason ? `: ${reason}` : ''}`));
  for (const id of orphans)
    lines.push(row('orphan', `${displayId(id)} was applied once; neither Git nor an inventory names it`));
  if (held) {
    lines.push(
      row('held', `${held.reason}; \`approvals: [{ prune: ${held.setHash} }]\` in the Placement lets go:`),
    );
    for (const id of held.ids) lines.push(row('', displayId(id)));
  }
  if (error) lines.push(...error.split('; '));
  const unchanged = actions.filter(({ action }) => action === 'unchanged').length;
  const what = dryRun ? ifApplied(report) : ok ? 'converged' : 'not converged';
  lines.push(`${report.placement}: ${what}; ${actions.length} objects, ${unchanged} unchanged`);
  return `${lines.join('\n')}\n`;
}

/** Of what has failed it says nothing more. */
const UNTOLD = new Set<string>([KSTATUS.UNKNOWN, KSTATUS.NOT_FOUND]);

/** Room for the longest word, Terminating, and a space. */
const row = (word: string, rest: string): string => `${word.padEnd(12)}${rest}`;

function ifApplied({ ok, error, actions, held }: OnceReport): string {
  if (ok) return 'nothing would change';
  if (error !== undefined || actions.some((each) => each.action === 'failed' || each.error !== undefined))
    return 'it would not succeed';
  if (held || actions.some(({ action }) => action !== 'unchanged' && action !== 'skipped'))
    return 'it would change';
  return 'nothing would change, and not everything is as wanted';
}
