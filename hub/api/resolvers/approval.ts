import type { ApprovalRow } from '../../core/view/approvals.ts';
import type { StageApprovalRow } from '../../core/view/rollouts/stage-approvals.ts';
import type { ReadModel } from '../../core/view.ts';
import { mayApprove } from '../../operations/decisions.ts';
import { Desk } from '../../operations/desk.ts';
import { connect, type PageArguments } from '../connection.ts';
import type { ApiContext } from '../context.ts';
import { idOf } from '../ids.ts';
import { clustersByName } from '../orders.ts';
import type { Resolver } from './shared.ts';

export type AnyApproval = ApprovalRow | StageApprovalRow;
type Of<A = unknown> = Resolver<AnyApproval, A>;

/** Deletions and stages, waiting and decided. */
export const approvalsOf = (view: ReadModel): AnyApproval[] => [
  ...view.approvals(),
  ...view.rollouts.approvals(),
];

export const stageApproval = (
  view: ReadModel,
  placement: string,
  version: string,
  stage: string,
  gate: string,
): StageApprovalRow | undefined =>
  view.rollouts
    .approvals(placement)
    .find((one) => one.version === version && one.stage === stage && one.gate === gate);

/** Whether an approval by whoever asks would be taken now. */
export const mayDecide = (row: AnyApproval, { viewer, view, operations, closing }: ApiContext): boolean =>
  row.kind === 'STAGE' && mayApprove(new Desk(viewer, view, operations, closing), row);

/** The approval that the parts of an id name. */
export function approvalNamed(
  view: ReadModel,
  [kind, placement = '', ...rest]: readonly string[],
): AnyApproval | undefined {
  const [first = '', stage = '', gate = ''] = rest;
  if (kind === 'STAGE') return stageApproval(view, placement, first, stage, gate);
  return view
    .approvals()
    .find((row) => row.kind === kind && row.placement === placement && row.setHash === first);
}

/** e.g. `checkout/early@3f2c1ab`; numbered where a stage asks more than once. */
function aliasOf(view: ReadModel, row: AnyApproval): string {
  if (row.kind !== 'STAGE') return row.setHash;
  const { placement, stage, version, gate } = row;
  const gates = view.rollouts
    .approvals(placement)
    .filter((one) => one.version === version && one.stage === stage)
    .map((one) => one.gate);
  const at = gates.indexOf(gate);
  return `${placement}/${stage}@${view.aliasOf(version)}${at > 0 ? `+${at + 1}` : ''}`;
}

const Approval = {
  id: ((row) =>
    row.kind === 'STAGE'
      ? idOf('Approval', row.kind, row.placement, row.version, row.stage, row.gate)
      : idOf('Approval', row.kind, row.placement, row.setHash)) as Of,
  alias: ((row, _, { view }) => aliasOf(view, row)) as Of,
  placement: (({ placement }, _, { view }) => view.placement(placement)) as Of,
  rollout: ((row, _, { view }) =>
    row.kind === 'STAGE' ? view.rollouts.rollout(row.placement, row.version) : undefined) as Of,
  groups: ((row) => (row.kind === 'STAGE' ? row.groups : [])) as Of,
  authors: ((row) => (row.kind === 'STAGE' ? row.authors : [])) as Of,
  decisions: ((row) => (row.kind === 'STAGE' ? row.decisions : [])) as Of,
  viewerCanDecide: ((row, _, context) => mayDecide(row, context)) as Of,
  clusterCount: (({ clusters }) => clusters.length) as Of,
  clusters: (({ clusters }, page, context) => {
    const rows = clusters.flatMap((name) => context.view.cluster(name) ?? []);
    return connect(rows, clustersByName, page, context);
  }) as Of<PageArguments>,
};

export const approvalResolvers = { Approval };
