import { howToApprove } from '#proto/removals.ts';
import { command } from '#rollouts/commands.ts';
import type { Viewer } from '../access/viewer.ts';
import type { StageApprovalRow } from '../core/view/rollouts/stage-approvals.ts';
import { reasonOf } from './asked.ts';
import { type Desk, faultOf } from './desk.ts';
import { Declined, type Denied, type Fault, invalid, notFound, type Outcome } from './types.ts';

type Identity = Pick<StageApprovalRow, 'placement' | 'stage' | 'version' | 'gate'>;

/** One approval, or all of a stage that the rollouts of a change wait for; undefined for an id that is none. */
export type Decided =
  | { readonly approval: Identity }
  | { readonly removal: { readonly placement: string; readonly setHash: string } }
  | { readonly change: string; readonly stage: string }
  | undefined;
export type Decision = {
  /** @throws Declined where it is not clear what is meant */
  readonly of: () => Decided;
  readonly approve: boolean;
  readonly reason: string;
};

/**
 * Approves or denies. All that it concerns is looked at first, on the state of the moment: where one of them would be refused,
 * nothing is decided. Between that and the deciding somebody else may have been quicker; then what could be done is done, and the
 * faults say what not.
 */
export async function decide(desk: Desk, decision: Decision): Promise<Outcome<StageApprovalRow[]>> {
  const late: Fault[] = [];
  const { done, faults } = await desk.answer(async (viewer) => {
    const reason = reasonOf(decision.reason);
    const waiting = waitingOf(desk, decision.of());
    const orders = waiting.map((row) => orderOf(row, viewer, decision.approve, reason));
    const faults = waiting.map((row, at) => judge(desk, viewer, row, orders[at]!));
    // Of a whole stage, what one has approved before is no hindrance.
    const isOver = (fault: Fault | undefined) => fault?.code === 'already-approved';
    const grave = faults.filter((fault) => fault !== undefined && !isOver(fault));
    const left = waiting.filter((_, at) => faults[at] === undefined);
    const denied = orders.flatMap((order, at) => deniedOf(waiting[at]!, order, faults[at]));
    if (denied.length > 0) await desk.denied(denied);
    if (grave.length > 0 || left.length === 0)
      throw new Declined(...faults.filter((fault) => fault !== undefined));
    const decided: StageApprovalRow[] = [];
    for (const row of left) {
      const order = orderOf(row, viewer, decision.approve, reason);
      try {
        await desk.order({ placement: row.placement, order }, 'approve');
        decided.push(row);
      } catch (error) {
        if (!(error instanceof Declined)) throw error;
        late.push(...error.faults);
      }
    }
    if (decided.length === 0) throw new Declined(...late.splice(0));
    return decided.map((row) => find(desk, row) ?? row);
  });
  return { ...(done && { done }), faults: [...faults, ...late] };
}

/** Whether an approval of a viewer would be taken now. */
export function mayApprove(desk: Desk, row: StageApprovalRow): boolean {
  const { viewer } = desk;
  return viewer !== undefined && waits(row) && !judge(desk, viewer, row, orderOf(row, viewer, true, 'may I'));
}

/** What waits of that which is meant, one for each stage of a placement. */
function waitingOf(desk: Desk, of: Decided): StageApprovalRow[] {
  if (!of) throw notFound('unknown-approval', 'there is no such approval');
  if ('removal' in of) throw needsCommit(desk, of.removal);
  const { rollouts } = desk.known;
  if ('approval' in of) {
    const row = find(desk, of.approval);
    if (!row) throw notFound('unknown-approval', 'there is no such approval, or none any more');
    if (waits(row)) return [row];
    const { placement, stage, version, state } = row;
    throw new Declined({
      kind: 'Conflict',
      code: 'nothing-waits',
      currentPhase: rollouts.rollout(placement, version)?.phase,
      message: `approval of ${version.slice(0, 7)} in ${stage} of ${placement} is ${state} already`,
    });
  }
  const rows = rollouts.rollouts().filter(({ version }) => version === of.change);
  if (rows.length === 0)
    throw notFound('unknown-change', `no rollout is known of commit ${of.change.slice(0, 12)}`);
  const stages = [
    ...new Set(
      rows.flatMap(({ placement }) => rollouts.line(placement)?.stages.map(({ name }) => name) ?? []),
    ),
  ];
  if (!stages.includes(of.stage))
    throw notFound(
      'unknown-stage',
      `no placement of ${of.change.slice(0, 7)} has a stage ${of.stage}; they have ${stages.join(', ')}`,
    );
  const found = rows
    .flatMap(({ placement }) => rollouts.approvals(placement))
    .filter((row) => row.version === of.change && row.stage === of.stage && waits(row));
  if (found.length === 0)
    throw new Declined({
      kind: 'Conflict',
      code: 'nothing-waits',
      message: `nothing of ${of.change.slice(0, 7)} waits for an approval in ${of.stage}`,
    });
  return [...new Map(found.map((row) => [row.placement, row])).values()];
}

const waits = ({ state }: StageApprovalRow): boolean => state === 'PENDING' || state === 'EXPIRED';

const find = ({ known }: Desk, wanted: Identity): StageApprovalRow | undefined =>
  known.rollouts
    .approvals(wanted.placement)
    .find(
      ({ stage, version, gate }) =>
        stage === wanted.stage && version === wanted.version && gate === wanted.gate,
    );

function orderOf({ stage, version }: StageApprovalRow, viewer: Viewer, approve: boolean, reason: string) {
  const { subject, groups, emails } = viewer;
  const kind = approve ? ('approve' as const) : ('deny' as const);
  return { kind, stage, version, groups, emails, by: subject, reason };
}

/** What the audit keeps of a decision that the viewer may not take. */
const deniedOf = (
  { placement }: StageApprovalRow,
  order: ReturnType<typeof orderOf>,
  fault: Fault | undefined,
): Denied[] => (fault?.kind === 'Forbidden' ? [{ command: { placement, order }, why: fault.message }] : []);

/** Why a decision would be refused now; undefined when it would not. */
function judge(
  desk: Desk,
  viewer: Viewer,
  row: StageApprovalRow,
  order: ReturnType<typeof orderOf>,
): Fault | undefined {
  const { placement, clusters, authors, groups } = row;
  const fault = desk.whyNot('approve', {
    placement: desk.placement(placement),
    on: desk.clusters(clusters),
  });
  if (fault) return fault;
  const view = desk.known.rollouts.view(placement);
  const { now, hub } = desk.known.rollouts.clock;
  const tried = view && command(view.line, { ...view.facts, hub }, order, now);
  if (tried && 'refused' in tried)
    return faultOf(tried, 'approve', desk.known.rollouts.rollout(placement, row.version)?.phase);
  if (order.kind === 'approve' && authors.length > 0 && viewer.emails.length === 0) {
    const who = groups.join(' or ');
    return {
      kind: 'Forbidden',
      code: 'author-unknown',
      requiredPermission: 'approve',
      message: `${placement} wants somebody of ${who} who wrote none of it: the token ${viewer.subject} does not say under which addresses you commit (--emails)`,
    };
  }
  return undefined;
}

function needsCommit(desk: Desk, { placement, setHash }: { placement: string; setHash: string }): Declined {
  const held = desk.known.approvals().find((row) => row.placement === placement && row.setHash === setHash);
  if (!held) return notFound('unknown-approval', `no removal ${setHash} waits in ${placement}`);
  return invalid('needs-commit', 'approvalId', `a deletion is approved in Git: ${howToApprove(held.commit)}`);
}
