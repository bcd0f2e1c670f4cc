/** What the API tells of rollouts, and how the CLI hands it on. */
export const LIVE_PHASES = [
  'PENDING',
  'RUNNING',
  'SOAKING',
  'AWAITING_APPROVAL',
  'PAUSED',
  'ROLLING_BACK',
] as const;

export const PROGRESS =
  'progress { total current applying waiting failed offline blocked unchanged removed percent }';
export type Progress = {
  total: number;
  current: number;
  applying: number;
  waiting: number;
  failed: number;
  offline: number;
  blocked: number;
  unchanged: number;
  removed: number;
  percent: number;
};

export const ROLLOUT = `id alias phase reason waitingFor pausedUntil startedAt finishedAt eta
  placement { name } change { alias }
  version { oid commit { headline author { name } } } previous { oid }
  ${PROGRESS}
  stages { name index phase startedAt passedAt ${PROGRESS}
    gates { kind when state opensAt message approval { alias } } }`;

export type GateNode = {
  kind: string;
  when: string;
  state: string;
  opensAt: string | null;
  message: string | null;
  approval: { alias: string } | null;
};
export type StageNode = {
  name: string;
  index: number;
  phase: string;
  startedAt: string | null;
  passedAt: string | null;
  progress: Progress;
  gates: GateNode[];
};
export type RolloutNode = {
  id: string;
  alias: string;
  phase: string;
  reason: string | null;
  waitingFor: string[];
  pausedUntil: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  eta: string | null;
  placement: { name: string };
  change: { alias: string };
  version: { oid: string; commit: { headline: string; author: { name: string } } | null };
  previous: { oid: string } | null;
  progress: Progress;
  stages: StageNode[];
};

/** As `-o json` prints it. */
export type RolloutItem = Omit<RolloutNode, 'placement' | 'change' | 'version' | 'previous'> & {
  placement: string;
  change: string;
  revision: string;
  commit: string | null;
  author: string | null;
  previous: string | null;
};

export const rolloutItem = ({ placement, change, version, previous, ...rest }: RolloutNode): RolloutItem => ({
  ...rest,
  placement: placement.name,
  change: change.alias,
  revision: version.oid,
  commit: version.commit?.headline ?? null,
  author: version.commit?.author.name ?? null,
  previous: previous?.oid ?? null,
});

export const isLive = ({ phase }: { phase: string }): boolean =>
  (LIVE_PHASES as readonly string[]).includes(phase);

export const TARGET = 'name stage state attempt startedAt finishedAt message';
export type TargetNode = {
  name: string;
  stage: string;
  state: string;
  attempt: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  message: string | null;
};
