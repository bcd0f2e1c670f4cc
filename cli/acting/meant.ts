import type { Hub } from '../hub.ts';
import { allRollouts } from '../rollouts/find.ts';
import { isLive, LIVE_PHASES, type RolloutNode } from '../rollouts/nouns.ts';

export type Act = 'pause' | 'resume' | 'retry' | 'abort' | 'rollback' | 'expedite';

/** What a word means to an act: the orders to give, one after the other, and what else is to be told. */
export type Meant = {
  readonly orders: readonly { readonly rollout: RolloutNode; readonly with: readonly RolloutNode[] }[];
  /** Why some of what was named is left as it is. */
  readonly left: readonly string[];
};

/** These hold for a whole line, whichever of its rollouts is named. */
const isOfLine = (act: Act): boolean => act === 'pause' || act === 'resume';

const placementOf = ({ placement }: RolloutNode): string => placement.name;

/**
 * Chooses among the rollouts that a word stands for, so that no order undoes what the next one presumes: a line is paused and
 * resumed by one order; of several rollouts of one placement everything else has to name the one that is meant. Of a change's
 * rollouts those are left out with which there is nothing to do; a single one is always the hub's to judge.
 */
export async function meantBy(
  act: Act,
  found: readonly RolloutNode[],
  stages: readonly string[],
  { hub, signal }: { readonly hub: Hub; readonly signal: AbortSignal },
): Promise<Meant | { readonly unclear: string }> {
  const live = found.filter(isLive);
  const able = found.filter((one) => canBe(act, one, stages));
  // Where nothing can be done with any, the hub says why not.
  const chosen = found.length === 1 ? found : able.length > 0 ? able : live.length > 0 ? live : found;
  const left = found
    .filter((one) => !chosen.includes(one))
    .map(({ alias, phase }) => `${alias}, ${phase}, is left as it is`);
  const groups = [...Map.groupBy(chosen, placementOf)];
  if (!isOfLine(act)) {
    const several = groups.find(([, rollouts]) => rollouts.length > 1);
    if (several) return { unclear: unclear(act, ...several) };
    return { orders: chosen.map((rollout) => ({ rollout, with: [] })), left };
  }
  const orders = await Promise.all(
    groups.map(async ([placement, rollouts]) => {
      const all = await allRollouts(hub, { placement, phase: LIVE_PHASES }, signal);
      const [rollout] = rollouts;
      return {
        rollout: rollout!,
        with: all.filter((one) => one.id !== rollout!.id && canBe(act, one, stages)),
      };
    }),
  );
  const told = new Set(orders.flatMap((order) => order.with.map(({ alias }) => alias)));
  return { orders, left: left.filter((words) => !told.has(words.split(',')[0]!)) };
}

/** Whether it is of any use to order this, as far as that shows. */
function canBe(act: Act, rollout: RolloutNode, stages: readonly string[]): boolean {
  const { phase, progress } = rollout;
  switch (act) {
    case 'resume':
      return phase === 'PAUSED';
    case 'retry':
      return (
        ['PAUSED', 'FAILED', 'ROLLED_BACK', 'ABORTED'].includes(phase) ||
        (isLive(rollout) && progress.failed > 0)
      );
    case 'expedite':
      return rollout.stages.some(
        (stage) => stages.includes(stage.name) && isLive(stage) && stage.phase !== 'PENDING',
      );
    default:
      return isLive(rollout);
  }
}

function unclear(act: Act, placement: string, rollouts: readonly RolloutNode[]): string {
  const named = rollouts.map(({ alias, phase }) => `${alias} (${phase})`);
  return `${placement} has ${rollouts.length} rollouts to ${act}: ${named.join(', ')}; name one of them`;
}
