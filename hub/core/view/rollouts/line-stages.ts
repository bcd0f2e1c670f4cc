import { pausesOver } from '#rollouts/candidate.ts';
import type { Pause } from '#rollouts/state.ts';
import type { LineView } from './line-view.ts';

/** One stage of a line as it stands, whatever version that is about. */
export type LineStage = {
  readonly name: string;
  readonly index: number;
  readonly working: string | undefined;
  readonly passed: string | undefined;
  readonly pause: LinePause | undefined;
  readonly clusterCount: number;
};
export type LinePause = Pick<Pause, 'by' | 'reason' | 'since' | 'until'> & {
  readonly cause: Pause['cause'] | 'bus';
};
export const PAUSE_CAUSES = ['operator', 'failure', 'regression', 'rollback', 'recovered', 'bus'] as const;

export function lineStages({ draft, line }: LineView): LineStage[] {
  return line.stages.map((stage, index) => {
    const [pause] = pausesOver(draft, stage);
    const bus = line.bus && {
      cause: 'bus' as const,
      reason: `${line.bus.lost.length} clusters were lost at once`,
      since: line.bus.since,
    };
    return {
      name: stage.name,
      index,
      working: stage.work?.version,
      passed: stage.passed.at(-1),
      pause: bus ?? pause,
      clusterCount: draft.members(stage.name).length,
    };
  });
}
