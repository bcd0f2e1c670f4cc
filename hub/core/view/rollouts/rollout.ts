import type { StateCounts } from '#rollouts/events.ts';
import { type Phase, workPhase } from '#rollouts/phase.ts';
import type { Stage } from '#rollouts/state.ts';
import { pausesOn } from '#rollouts/words.ts';
import { isOver, type LineView, standingOf } from './line-view.ts';
import { NONE, type Progress, progressOf, statesOf, sumOf } from './progress.ts';
import { targetsOf } from './targets.ts';

/** One version of one placement on its way. What costs more than a look at the line is asked for by functions of its own. */
export type RolloutRow = {
  readonly placement: string;
  /** The first revision of the version. */
  readonly version: string;
  readonly phase: Phase;
  /** Its place on the branch, over all placements; -1 where the version is not known any more. */
  readonly place: number;
  /** Unix milliseconds; undefined where this hub does not remember. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
};

export type StageRow = {
  readonly name: string;
  readonly index: number;
  readonly phase: Phase;
  readonly startedAt: number | undefined;
  readonly passedAt: number | undefined;
};

/** The rollouts of a placement that the line still knows of, the newest first. */
export function rolloutsOf(view: LineView, told: Iterable<string>): readonly RolloutRow[] {
  return view.once('rollouts', () => {
    const { line, versions, facts } = view;
    const named = [
      ...line.ended.map(({ version }) => version),
      ...line.stages.flatMap(({ passed, work }) => (work ? [...passed, work.version] : passed)),
    ];
    const places = named.map((version) => versions.order(version)).filter((place) => place >= 0);
    const oldest = Math.min(...places);
    const known = facts.versions
      .map(({ revision }) => revision)
      .filter((one) => versions.order(one) >= oldest);
    const gone = [...line.ended.map(({ version }) => version), ...told].filter(
      (one) => versions.order(one) < 0,
    );
    // What nobody knows any more is older than everything.
    return [...new Set([...gone, ...(places.length > 0 ? known : [])])]
      .reverse()
      .map((one) => rowOf(view, one));
  });
}

function rowOf(view: LineView, version: string): RolloutRow {
  const { line, versions, placement } = view;
  const memory = view.remember(version);
  const phase = phaseOfGone(view, version) ?? view.phase(version);
  const begun = line.stages.flatMap(({ work }) => (work?.version === version ? [work.since] : []));
  const ended = line.ended.find((one) => one.version === version);
  return {
    placement,
    version,
    phase,
    place: versions.get(version)?.at ?? -1,
    startedAt: memory?.startedAt ?? begun[0],
    finishedAt: isOver(phase) ? (ended?.at ?? memory?.endedAt) : undefined,
  };
}

/** Of a version that is not known any more, only how it ended. */
function phaseOfGone({ line, versions }: LineView, version: string): Phase | undefined {
  if (versions.order(version) >= 0) return undefined;
  return line.ended.find((one) => one.version === version)?.how ?? 'Superseded';
}

export function stagesOf(view: LineView, { version, phase }: RolloutRow): readonly StageRow[] {
  const { line } = view;
  const memory = view.remember(version);
  return line.stages.map((stage, index) => {
    const told = memory?.stages.get(stage.name);
    const works = stage.work?.version === version ? stage.work : undefined;
    const isLast = stage.passed.at(-1) === version && !works;
    return {
      name: stage.name,
      index,
      phase: stagePhase(view, version, phase, stage, index),
      startedAt: works ? (works.startedAt ?? works.since) : (told?.startedAt ?? told?.tookAt),
      passedAt: works ? undefined : (told?.passedAt ?? (isLast ? stage.passedAt : undefined)),
    };
  });
}

function stagePhase(view: LineView, version: string, phase: Phase, stage: Stage, at: number): Phase {
  const { line, facts } = view;
  if (stage.work?.version === version) return workPhase(line, facts.strategy, at);
  if (phase === 'RollingBack') return line.rollback?.stages.includes(stage.name) ? phase : 'RolledBack';
  if (stage.passed.includes(version)) return 'Succeeded';
  const told = view.remember(version)?.stages.get(stage.name);
  if (isOver(phase)) return told?.passedAt !== undefined && phase === 'Succeeded' ? 'Succeeded' : phase;
  return 'Pending';
}

export const stageNamed = ({ line }: LineView, name: string): Stage | undefined =>
  line.stages.find((stage) => stage.name === name);

/** Of what is over: as it was when the stage went on, or gave it up. */
export const stageProgress = (view: LineView, version: string, stage: Stage): Progress =>
  view.once(`progress ${version} ${stage.name}`, () => {
    const ended = endedOf(view, version);
    if (ended) return ended.get(stage.name) ?? NONE;
    const gone = standingOf(view, stage, version) === 'gone' ? toldOf(view, version, stage) : undefined;
    return progressOf(gone ?? statesOf(targetsOf(view, version, stage)));
  });

/** How far a version that is over had come, stage by stage; undefined where nobody has told. */
const endedOf = (view: LineView, version: string): ReadonlyMap<string, Progress> | undefined =>
  view.once(`ended ${version}`, () => {
    if (!isOver(phaseOfGone(view, version) ?? view.phase(version))) return undefined;
    const told = [...(view.remember(version)?.stages ?? [])].flatMap(([name, { counts }]) =>
      counts ? [[name, progressOf(counts)] as const] : [],
    );
    return told.length > 0 ? new Map(told) : undefined;
  });

/** Where a stage has gone on, a hub that has begun since knows not all clusters of it any more, only how many there were. */
function toldOf(view: LineView, version: string, { name }: Stage): StateCounts | undefined {
  const memory = view.remember(version);
  const counts = memory?.stages.get(name)?.counts ?? {};
  const known = memory?.targets.values().reduce((sum, { stage }) => sum + (stage === name ? 1 : 0), 0) ?? 0;
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  // Of those that it left alone nothing was ever told.
  return known >= all - (counts.Unchanged ?? 0) ? undefined : counts;
}

export const rolloutProgress = (view: LineView, version: string): Progress =>
  view.once(`progress ${version}`, () =>
    sumOf([
      ...(endedOf(view, version)?.values() ??
        view.line.stages.map((stage) => stageProgress(view, version, stage))),
    ]),
  );

/** The version that it follows: what the first stage passed before it, else its neighbour on the branch. */
export function previousOf({ line, versions, facts }: LineView, version: string): string | undefined {
  const order = versions.order(version);
  if (order < 0) return undefined;
  const passed = line.stages[0]?.passed.findLast((one) => {
    const place = versions.order(one);
    return place >= 0 && place < order;
  });
  return passed ?? facts.versions[order - 1]?.revision;
}

/** When what pauses it ends by itself, Unix milliseconds; undefined where it is not paused, or waits for a person or the bus, too. */
export function pausedUntilOf({ line, draft }: LineView, { version, phase }: RolloutRow): number | undefined {
  if (isOver(phase) || line.bus) return undefined;
  const ends = pausesOn(draft, version).map(({ until }) => until ?? Number.POSITIVE_INFINITY);
  const last = Math.max(...ends);
  return Number.isFinite(last) ? last : undefined;
}

/** Why it is in its phase, where that is not for its clusters to tell. */
export function reasonOf(view: LineView, { version, phase }: RolloutRow): string | undefined {
  const { line } = view;
  const told = (what: string) => view.remember(version)?.events.findLast((event) => event.what === what);
  switch (phase) {
    case 'Paused': {
      if (line.bus) return `${line.bus.lost.length} clusters were lost at once: the bus, not the clusters`;
      const [pause] = pausesOn(view.draft, version);
      return pause && `${pause.by ? `by ${pause.by}: ` : ''}${pause.reason}`;
    }
    case 'RollingBack':
      return line.rollback?.reason;
    case 'RolledBack':
    case 'Failed':
      return told('rollbackStarted')?.reason ?? told('paused')?.reason;
    case 'Aborted': {
      const event = view
        .remember(version)
        ?.events.findLast(({ what }) => what === 'denied' || what === 'aborted');
      const why = event?.reason === undefined ? '' : `: ${event.reason}`;
      return event?.by === undefined ? undefined : `${event.what} by ${event.by}${why}`;
    }
    default:
      return undefined;
  }
}
