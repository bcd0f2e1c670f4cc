import { milliseconds } from '#proto/documents/common.ts';
import { gateKey, validApprovals } from '#rollouts/gates.ts';
import type { Stage } from '#rollouts/state.ts';
import { approvalSpec } from './gates.ts';
import type { Clock, LineView } from './line-view.ts';
import type { Decision, GateMemory } from './memory.ts';
import { targetsOf } from './targets.ts';

/**
 * EXPIRED: what was given was not used in time, and none of it counts any more. WITHDRAWN: the version has ended, or somebody skipped the gate, before enough had approved.
 */
export const STAGE_APPROVAL_STATES = ['PENDING', 'APPROVED', 'DENIED', 'EXPIRED', 'WITHDRAWN'] as const;

/** An approval that a stage asks for, for one version at one gate. */
export type StageApprovalRow = {
  readonly kind: 'STAGE';
  readonly state: (typeof STAGE_APPROVAL_STATES)[number];
  readonly placement: string;
  readonly stage: string;
  readonly version: string;
  /** `before/0`, `after/1`. */
  readonly gate: string;
  /** Who may: members of one of these. Empty where the strategy does not ask for it any more. */
  readonly groups: readonly string[];
  readonly count: number;
  /** Who may not, having written a commit of it. */
  readonly authors: readonly string[];
  /** The clusters of the stage that the version changes. */
  readonly clusters: readonly string[];
  readonly requestedAt: number;
  /** When the first approval given lapses, if hub time runs until then. */
  readonly expiresAt: number | undefined;
  /** While it waits, those that count. */
  readonly decisions: readonly Decision[];
  readonly reason: string;
};

/** What waits now, and what was decided as far as it is remembered. */
export function stageApprovalsOf(view: LineView, told: Iterable<string>, clock: Clock): StageApprovalRow[] {
  const live = view.line.stages.flatMap((stage) => liveOf(view, stage, clock));
  return [...live, ...[...told].flatMap((version) => pastOf(view, version))];
}

function liveOf(view: LineView, stage: Stage, clock: Clock): StageApprovalRow[] {
  const { work } = stage;
  const spec = view.facts.strategy.stages.find(({ name }) => name === stage.name);
  if (!work || !spec) return [];
  const draft = view.at(clock);
  const gates = (['before', 'after'] as const).flatMap((when) =>
    spec[when].map(({ approval }, index) => ({ key: gateKey(when, index), approval })),
  );
  return gates.flatMap(({ key, approval }): StageApprovalRow[] => {
    const gate = work.gates[key];
    if (!approval || !gate) return [];
    const { approvals = [], openedAt } = gate;
    const valid = validApprovals(draft, approval, approvals);
    const count = approval.count ?? 1;
    const enough = approvals.length >= count;
    const isOpen = openedAt !== undefined || work.skips.includes('approval');
    const over = enough ? 'APPROVED' : 'WITHDRAWN';
    const isGiven = valid.length >= count;
    const asked = approvals.length > 0 && valid.length === 0 ? 'EXPIRED' : 'PENDING';
    // Given and not used yet, where a pause holds the stage: nobody is asked for more, until it expires.
    const state = isOpen ? over : isGiven ? 'APPROVED' : asked;
    const lapses = approval.expires === undefined ? undefined : milliseconds(approval.expires);
    const first = valid.length > 0 ? Math.min(...valid.map(({ atHub }) => atHub)) : undefined;
    const known = view.remember(work.version)?.stages.get(stage.name)?.gates.get(key);
    return [
      {
        ...identityOf(view, stage, work.version, key, approval),
        state,
        clusters: changedClusters(view, work.version, stage),
        requestedAt: known?.requestedAt ?? work.since,
        expiresAt:
          !isOpen && lapses !== undefined && first !== undefined
            ? clock.now + first + lapses - clock.hub
            : undefined,
        decisions: (isOpen ? approvals : valid).map(({ by, at, reason }) => ({
          by,
          at,
          approved: true,
          reason,
        })),
      },
    ];
  });
}

function pastOf(view: LineView, version: string): StageApprovalRow[] {
  const memory = view.remember(version);
  if (!memory) return [];
  return view.line.stages.flatMap((stage) => {
    const told = memory.stages.get(stage.name);
    if (!told || stage.work?.version === version) return [];
    const spec = view.facts.strategy.stages.find(({ name }) => name === stage.name);
    return [...told.gates].flatMap(([key, gate]): StageApprovalRow[] => {
      const approval = spec && approvalSpec(spec, key);
      if (!approval && gate.decisions.length === 0) return [];
      return [
        {
          ...identityOf(view, stage, version, key, approval),
          state: pastState(gate),
          clusters: changedClusters(view, version, stage),
          requestedAt: gate.requestedAt,
          expiresAt: undefined,
          decisions: gate.decisions,
        },
      ];
    });
  });
}

function pastState({ openedAt, decisions }: GateMemory): StageApprovalRow['state'] {
  if (decisions.some(({ approved }) => !approved)) return 'DENIED';
  return openedAt === undefined || decisions.length === 0 ? 'WITHDRAWN' : 'APPROVED';
}

function identityOf(
  { placement, versions }: LineView,
  { name, passed }: Stage,
  version: string,
  gate: string,
  approval: ReturnType<typeof approvalSpec>,
) {
  const groups = approval?.groups ?? [];
  const count = approval?.count ?? 1;
  const when = gate.startsWith('before') ? 'before anything starts' : 'before it passes';
  const people =
    groups.length === 0
      ? 'an approval'
      : `${count === 1 ? 'an approval' : `${count} approvals`} by ${groups.join(' or ')}`;
  return {
    kind: 'STAGE',
    placement,
    stage: name,
    version,
    gate,
    groups,
    count,
    authors: approval?.notAuthor ? [...versions.authors(passed.at(-1), version)].sort() : [],
    reason: `${name} of ${placement} wants ${people} ${when}`,
  } as const;
}

const changedClusters = (view: LineView, version: string, stage: Stage): string[] =>
  targetsOf(view, version, stage)
    .filter(({ state }) => state !== 'Unchanged')
    .map(({ cluster }) => cluster);
