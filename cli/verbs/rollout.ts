import { ACT_FLAGS, actOnRollouts, isAct, ROLLOUT_ACTS } from '../acting/rollout.ts';
import { unknown, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { type Format, printValue } from '../output/print.ts';
import { findRollouts } from '../rollouts/find.ts';
import { type RolloutNode, rolloutItem, TARGET, type TargetNode } from '../rollouts/nouns.ts';
import { rolloutText } from '../rollouts/text.ts';
import { watchRollouts } from '../rollouts/watching.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue, formatOf, outputFlag } from './common.ts';

const VERBS = ['status', 'watch', ...ROLLOUT_ACTS];
const MOST_SHOWN = 20;
const TROUBLED = `query Troubled($id: ID!) {
  rollout(id: $id) { targets(state: [FAILED, OFFLINE, BLOCKED, APPLYING, VERIFYING], first: ${MOST_SHOWN}) {
    totalCount nodes { ${TARGET} } } }
}`;
type Troubled = { rollout: { targets: { totalCount: number; nodes: TargetNode[] } } | null };

export const rollout: Verb = {
  summary: 'Tells how far a rollout is, follows it to its end, or says what is to be done with it.',
  usage: [
    'rollout status NAME|NAME@CHANGE|CHANGE [-o table|json|yaml] [--exit-code]',
    'rollout watch NAME|NAME@CHANGE|CHANGE',
    'rollout pause NAME|NAME@CHANGE|CHANGE [--for DURATION|--until TIME] --reason TEXT [--yes]',
    'rollout resume|retry|abort|rollback NAME|NAME@CHANGE|CHANGE --reason TEXT [--yes]',
    'rollout expedite NAME|NAME@CHANGE|CHANGE --stage NAME… --skip WHAT… --reason TEXT [--yes]',
  ],
  flags: {
    ...outputFlag(['table', 'json', 'yaml']),
    ...ACT_FLAGS,
    'exit-code': { describe: 'of status: exit 1 unless everything has succeeded' },
  },
  notes: [
    'NAME is a placement: its rollouts under way, else the newest. CHANGE is a commit as `get changes` lists it, with all its rollouts. An id of the API will do, too.',
    'pause: nothing new starts in the placement, whichever of its rollouts is named. resume ends that for all of them, and accepts the failures so far. retry gives them a new attempt. abort stops where it is. rollback goes back everywhere, now. expedite skips what a stage waits for, never failures.',
    'watch ends when the rollouts end: with 0 if all succeeded, else with 1. On a terminal it draws a lane for each stage; elsewhere it prints a line for each thing that happens.',
  ],
  async run(parsed, around) {
    const [verb, word, more] = parsed.positionals;
    if (verb === undefined) throw usage(`rollout what? one of ${VERBS.join(', ')}`);
    if (verb !== 'status' && verb !== 'watch' && !isAct(verb)) throw unknown('verb of rollout', verb, VERBS);
    if (word === undefined)
      throw usage(`rollout ${verb} of what? a placement, a change, or PLACEMENT@CHANGE`);
    if (more !== undefined) throw usage(`unexpected word ${more}`);
    if (isAct(verb)) return actOnRollouts(verb, word, parsed, around);
    const foreign = Object.keys(ACT_FLAGS).find(
      (flag) => parsed.values.has(flag) || parsed.switches.has(flag),
    );
    if (foreign !== undefined) throw usage(`--${foreign} belongs to ${ROLLOUT_ACTS.join(', ')}`);
    const found = await findRollouts(word, around.hub, around.signal);
    if ('missing' in found) {
      around.talk(found.missing);
      return EXIT.no;
    }
    if (verb === 'status') {
      await tell(found.rollouts, formatOf(parsed), around);
      const isWell = found.rollouts.every(({ phase }) => phase === 'SUCCEEDED');
      return parsed.switches.has('exit-code') && !isWell ? EXIT.no : EXIT.yes;
    }
    if (flagValue(parsed, 'output') !== undefined) throw usage('-o belongs to rollout status');
    return follow(found.rollouts, around);
  },
};

async function tell(rollouts: readonly RolloutNode[], format: Format, around: Surroundings): Promise<void> {
  const { hub, signal } = around;
  const told = await Promise.all(
    rollouts.map(async (one) => {
      const answer = await hub.ask<Troubled>(TROUBLED, { id: one.id }, signal);
      return { one, troubled: answer.rollout?.targets ?? { totalCount: 0, nodes: [] } };
    }),
  );
  if (format === 'json' || format === 'yaml') {
    const items = told.map(({ one, troubled }) => ({ ...rolloutItem(one), notThere: troubled.nodes }));
    await printValue(items.length === 1 ? items[0] : { items }, format, around);
    return;
  }
  const now = around.now();
  around.out(told.map(({ one, troubled }) => rolloutText(one, troubled, now, around)).join('\n'));
}

async function follow(rollouts: readonly RolloutNode[], around: Surroundings): Promise<ExitCode> {
  const phases = await watchRollouts(rollouts, around);
  if (phases === undefined) return EXIT.yes;
  return phases.every((phase) => phase === 'SUCCEEDED') ? EXIT.yes : EXIT.no;
}
