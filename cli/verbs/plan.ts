import { type Flags, usage } from '../args.ts';
import { EXIT } from '../exit.ts';
import { CHECKOUT, openCheckout } from '../offline/open.ts';
import { isEmpty } from '../offline/plan/plan.ts';
import { makePlan } from '../offline/plan/planner.ts';
import { rangeOf } from '../offline/plan/range.ts';
import { ReadsStore } from '../offline/plan/store.ts';
import { planText } from '../offline/plan/text.ts';
import { tellErrors } from '../offline/report/errors.ts';
import type { Verb } from '../verb.ts';
import { flagValue, TEXT_OR_JSON } from './common.ts';

/** How `plan` and `diff` name what they compare. */
export const RANGE_NOTE =
  'REV..REV is read as Git reads it: A..B, A...B (since B left A), A.. (up to HEAD); A alone is up to the work tree. Without it: HEAD up to the work tree where anything differs, committed or not; else the newest commit, HEAD~1..HEAD.';
export const EXIT_CODE: Flags = { 'exit-code': { describe: 'exit with 1 when something changes' } };

export const plan: Verb = {
  summary: 'Tells which clusters a change reaches, in which stage, and why; and what stays as it is.',
  usage: ['plan [REV..REV] [--exit-code] [-o text|json]'],
  flags: {
    ...CHECKOUT,
    ...EXIT_CODE,
    ...TEXT_OR_JSON,
  },
  notes: [
    RANGE_NOTE,
    'Nothing is rendered: a cluster changes where its digest does (`flotilla diff` shows what it renders to). What is not valid at the end stays as it is, and is told on stderr.',
    'examples:\n  flotilla plan                       # what I am about to commit\n  flotilla plan origin/main...HEAD    # what my branch would do\n  flotilla plan v1.2..v1.3 -o json',
  ],
  async run(parsed, around) {
    const [range, word] = parsed.positionals;
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    const { signal } = around;
    await using checkout = await openCheckout(parsed, around);
    const sides = await rangeOf(checkout, range, signal);
    const store = new ReadsStore(checkout.cacheDirectory);
    const planning = { store, progress: around.progress, now: around.now() };
    const { plan: made, after } = await makePlan(checkout.objects, sides, planning, signal);
    if (flagValue(parsed, 'output') === 'json') around.out(`${JSON.stringify(made, null, 2)}\n`);
    else around.out(planText(made, around.color));
    tellErrors(after.problems, around);
    return parsed.switches.has('exit-code') && !isEmpty(made) ? EXIT.no : EXIT.yes;
  },
};
