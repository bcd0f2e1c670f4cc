import assert from 'node:assert/strict';
import { advance, type FleetEvent } from '../advance.ts';
import type { Step } from '../rehearsal/world.ts';
import type { Versions } from '../versions.ts';
import { checkPasses, checkReports, checkRollbacks, checkTaking } from './laws-of-stages.ts';
import { checkStarts } from './laws-of-starting.ts';
import { Ledger, lookAt } from './ledger.ts';

/**
 * What holds at every step whatever happens (issue 7, must hold 2), judged from what was published, reported and said, not by
 * asking the machine. One for each history.
 */
export class Laws {
  readonly #ledger: Ledger;
  steps = 0;

  constructor(ledger = new Ledger()) {
    this.#ledger = ledger;
  }

  /** These, as they are now: what goes on writes to neither of the two. */
  copy(): Laws {
    return new Laws(this.#ledger.copy());
  }

  /** What an order has led to: people open gates and lift rejections. */
  hearOrder(events: readonly FleetEvent[], versions: (placement: string) => Versions): void {
    this.#ledger.hearOrder(events, versions);
  }

  check(step: Step): void {
    this.steps += 1;
    // The dearest of all: over so many histories every fifth step is enough.
    if (this.steps % 5 === 1) checkReplay(step);
    for (const placement of Object.keys(step.advanced.state.lines)) {
      const look = lookAt(step, placement);
      this.#ledger.hear(look);
      checkReports(look);
      checkTaking(look);
      checkStarts(look, this.#ledger);
      checkPasses(look, this.#ledger);
      checkRollbacks(look);
    }
  }
}

/** The same facts give the same decisions, from saved state and from its own result. */
function checkReplay({ before, facts, now, only, advanced }: Step): void {
  const saved = JSON.parse(JSON.stringify(before));
  const again = advance(saved, facts, now, only);
  assert.deepEqual(again.state, advanced.state, 'state read back from JSON decides otherwise');
  assert.deepEqual(again.effects.events, advanced.effects.events);
  const twice = advance(advanced.state, facts, now, only);
  for (const [placement, line] of Object.entries(twice.state.lines))
    if (line !== advanced.state.lines[placement])
      assert.deepEqual(line, advanced.state.lines[placement], 'not idempotent on its own result');
  assert.deepEqual(twice.effects.published, []);
}
