import type { Permission } from '#proto/documents/access.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { Command } from '#rollouts/order.ts';
import type { Phase } from '#rollouts/phase.ts';
import type { Skip } from '#rollouts/state.ts';
import type { LineView } from '../core/view/rollouts/line-view.ts';
import type { RolloutRow } from '../core/view/rollouts/rollout.ts';
import { expiryOf, reasonOf } from './asked.ts';
import type { Desk } from './desk.ts';
import { invalid, notFound, type Outcome } from './types.ts';

/** A rollout, as its id names it; undefined for an id that is none. */
export type RolloutName = { readonly placement: string; readonly version: string } | undefined;
export type RolloutOrder = {
  readonly rollout: RolloutName;
  readonly expectedPhase?: Phase | undefined;
  readonly reason: string;
} & (
  | { readonly kind: 'pause'; readonly expiresAt?: number | undefined }
  | { readonly kind: 'resume' | 'retry' | 'abort' | 'rollback' }
  | { readonly kind: 'expedite'; readonly stages: readonly string[]; readonly skips: readonly Skip[] }
);

/** Design/30, rule 13: `pause` includes resume, retry and abort. */
const PERMISSIONS: Readonly<Record<RolloutOrder['kind'], Permission>> = {
  pause: 'pause',
  resume: 'pause',
  retry: 'pause',
  abort: 'pause',
  rollback: 'rollback',
  expedite: 'expedite',
};

/** Carries out what is ordered about one rollout; the answer is the rollout as it is afterwards. */
export function orderRollout(desk: Desk, order: RolloutOrder): Promise<Outcome<RolloutRow>> {
  return desk.answer(async ({ subject }) => {
    const { rollouts, now } = desk.known;
    const { rollout, expectedPhase } = order;
    const row = rollout && rollouts.rollout(rollout.placement, rollout.version);
    if (!row) throw notFound('unknown-rollout', 'there is no such rollout, or none any more');
    const { placement, version } = row;
    const reason = reasonOf(order.reason);
    const permission = PERMISSIONS[order.kind];
    const common = { by: subject, reason, version, ...(expectedPhase && { expectedPhase }) };
    const command: FleetCommand = { placement, order: { ...common, ...detailsOf(order, now) } };
    const touched = {
      placement: desk.placement(placement),
      on: desk.clusters(clustersOf(rollouts.view(placement), version)),
    };
    await desk.demand(permission, touched, command);
    const after = () => rollouts.rollout(placement, version);
    await desk.order(command, permission, () => after()?.phase);
    return after() ?? row;
  });
}

type Details<C> = C extends Command ? Omit<C, 'by' | 'reason' | 'expectedPhase' | 'version'> : never;

function detailsOf(order: RolloutOrder, now: number): Details<Exclude<Command, { kind: 'pin' | 'unpin' }>> {
  switch (order.kind) {
    case 'pause':
      return {
        kind: 'pause',
        ...(order.expiresAt !== undefined && { until: expiryOf(order.expiresAt, now) }),
      };
    case 'expedite': {
      const { stages, skips } = order;
      if (stages.length === 0)
        throw invalid('argument-invalid', 'stages', 'stages is empty: name at least one');
      if (skips.length === 0)
        throw invalid('argument-invalid', 'skip', 'skip is empty: name what is not to be waited for');
      return { kind: 'expedite', stages: [...new Set(stages)], skips: [...new Set(skips)] };
    }
    case 'resume':
    case 'retry':
    case 'abort':
    case 'rollback':
      return { kind: order.kind };
  }
}

/** Every cluster that an order about a rollout may reach: where the placement is, and where this version or the newest brings it. */
function clustersOf(view: LineView | undefined, version: string): Set<string> {
  const { line, versions } = view ?? {};
  const running = Object.entries(line?.targets ?? {}).flatMap(([name, { run }]) => (run ? [name] : []));
  const given = [versions?.get(version), versions?.head].flatMap((one) => [...(one?.contents.keys() ?? [])]);
  return new Set([...running, ...given]);
}
