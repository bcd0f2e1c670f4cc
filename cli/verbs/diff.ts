import { usage } from '../args.ts';
import { EXIT } from '../exit.ts';
import { diffFleet } from '../offline/diff/differ.ts';
import { diffMarkdown } from '../offline/diff/markdown.ts';
import { diffText } from '../offline/diff/text.ts';
import { CHECKOUT, openCheckout } from '../offline/open.ts';
import { makePlan } from '../offline/plan/planner.ts';
import { rangeOf } from '../offline/plan/range.ts';
import { ReadsStore } from '../offline/plan/store.ts';
import { ENGINE, openRenderer } from '../offline/renderer.ts';
import { tellErrors } from '../offline/report/errors.ts';
import type { Verb } from '../verb.ts';
import { flagValue, outputFlag } from './common.ts';
import { EXIT_CODE, RANGE_NOTE } from './plan.ts';

export const diff: Verb = {
  summary: 'Renders what a change reaches, before and after, and shows what differs; equal differences once.',
  usage: ['diff [REV..REV] [--exit-code] [-o text|json|markdown]'],
  flags: {
    ...CHECKOUT,
    ...EXIT_CODE,
    ...outputFlag(['text', 'json', 'markdown']),
    ...ENGINE,
  },
  notes: [
    RANGE_NOTE,
    'Values of Secrets are masked. markdown is a comment for a pull request.',
    'Exit code 1: something at the end does not render, or two placements render the same object; with --exit-code also when anything differs.',
    'examples:\n  flotilla diff\n  flotilla diff origin/main...HEAD -o markdown > comment.md',
  ],
  async run(parsed, around) {
    const [range, word] = parsed.positionals;
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    const { signal } = around;
    await using checkout = await openCheckout(parsed, around);
    const { objects } = checkout;
    const sides = await rangeOf(checkout, range, signal);
    const store = new ReadsStore(checkout.cacheDirectory);
    const planning = { store, progress: around.progress, now: around.now() };
    const { plan, ...models } = await makePlan(objects, sides, planning, signal);
    const renderer = await openRenderer(parsed, around.machine, models.after.fleet);
    const made = await diffFleet(objects, sides, plan, models, renderer, around.progress, signal);
    switch (flagValue(parsed, 'output')) {
      case 'json':
        around.out(`${JSON.stringify(made, null, 2)}\n`);
        break;
      case 'markdown':
        around.out(diffMarkdown(made));
        break;
      default:
        around.out(diffText(made, around.color));
    }
    tellErrors(models.after.problems, around);
    const fails = made.placements.some(({ failed }) => failed.some(({ side }) => side === 'to'));
    const differs = made.placements.some(({ groups }) => groups.length > 0);
    if (fails || made.conflicts.length > 0) return EXIT.no;
    return parsed.switches.has('exit-code') && differs ? EXIT.no : EXIT.yes;
  },
};
