import type { FleetFacts, PlacementFacts } from './facts.ts';
import { membershipOf } from './membership.ts';
import { EMPTY_FLEET, EMPTY_LINE, type FleetState, type Line, type Target } from './state.ts';
import { versionsOf } from './versions.ts';

/** A fleet in which every stage has passed the newest version that the facts know, and every cluster runs it. */
export function settled(facts: FleetFacts, now: number): FleetState {
  const lines: Record<string, Line> = {};
  for (const [placement, own] of facts.placements) lines[placement] = settledLine(facts, own, now);
  const silent = Object.fromEntries(
    [...facts.unreachable].map((cluster) => [cluster, { hub: 0, lost: false }]),
  );
  return { ...EMPTY_FLEET, clock: { hub: 0, at: now, running: facts.counting }, silent, lines };
}

function settledLine({ clusters }: FleetFacts, { strategy, versions }: PlacementFacts, now: number): Line {
  const head = versionsOf(versions).head;
  if (!head) return EMPTY_LINE;
  const targets: Record<string, Target> = {};
  let attempt = now;
  for (const [cluster, stage] of membershipOf(clusters, strategy.stages).stageOf) {
    const content = head.contents.get(cluster);
    if (!content) continue;
    attempt += 1;
    targets[cluster] = {
      stage,
      state: 'Current',
      since: now,
      run: {
        revision: head.revision,
        ...content,
        attempt,
        purpose: 'catch-up',
        publishedHub: 0,
        phase: 'current',
        currentHub: 0,
        reachedHub: 0,
      },
    };
  }
  const passed = [head.revision];
  const stages = strategy.stages.map(({ name }) => ({ name, passed, passedAt: now, since: now }));
  const ended = [{ version: head.revision, how: 'Succeeded' as const, at: now }];
  return { ...EMPTY_LINE, stages, targets, attempt, ended };
}
