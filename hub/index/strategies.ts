import type { Placement } from '#proto/documents/placement.ts';
import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import { type Strategy, strategyOf } from '#proto/stages.ts';
import type { DocumentsInForce } from '../core/in-force.ts';

const read = new WeakMap<RolloutStrategy, Strategy>();
const OF_ALL = strategyOf(undefined);

/** The strategy of a placement, its own or the Fleet's; the same object for the same document. */
export function strategyIn({ fleet, strategies }: DocumentsInForce, { spec }: Placement): Strategy {
  const name = spec.strategy ?? fleet?.document.spec.defaults?.strategy;
  if (name === undefined) return OF_ALL;
  const document = strategies.get(name)?.document;
  // Never valid as far as anybody looked: without stages nothing starts, where one stage of all would start everything.
  if (!document) return { ...OF_ALL, name, stages: NO_STAGES };
  let strategy = read.get(document);
  if (!strategy) {
    strategy = strategyOf(document);
    read.set(document, strategy);
  }
  return strategy;
}

const NO_STAGES: Strategy['stages'] = [];
