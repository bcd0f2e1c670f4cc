import { confirmed, ORDER, reasonOf } from '../acting/flags.ts';
import { declined, give, type Payload } from '../acting/order.ts';
import { type Parsed, usage } from '../args.ts';
import { runChild } from '../child.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Surroundings, Verb } from '../verb.ts';

/** The one word that is for a hub that runs, wherever it is. */
const RESUME = 'resume';

/** The hub is another program: but for `resume`, it runs as a child, with this terminal as its own. */
export const hub: Verb = {
  summary: 'Sets up a hub on this machine, its keys and tokens, and keeps them: backup, restore, resume.',
  usage: ['hub init|run|token|backup|restore [FLAGS]', 'hub resume --reason TEXT [--yes]', 'hub help'],
  flags: ORDER,
  notes: [
    '`flotilla hub help` lists the flags of all but resume.',
    'backup FILE|DIR writes keys, tokens, state, documents and audit into one file; restore FILE puts them back.',
    'resume lets a hub go on that had lost its state, or was restored: `flotilla status` says that it waits.',
  ],
  verbatim: ([first = '']) => !first.startsWith('-') && first !== RESUME,
  run: (parsed, around) =>
    parsed.positionals[0] === RESUME
      ? resume(parsed, around)
      : runChild('hub', parsed.positionals, around.signal),
};

async function resume(parsed: Parsed, around: Surroundings): Promise<ExitCode> {
  const [, extra] = parsed.positionals;
  if (extra !== undefined) throw usage(`unexpected word ${extra}`);
  const reason = reasonOf(parsed);
  const what = [
    'every line that recovering has paused goes on from what agents report',
    'approvals, pins, holds, freezes and rejections since the last backup are not known: look at `flotilla status` first',
  ];
  if (!(await confirmed(what, parsed, around))) return EXIT.no;
  const answer = await give<Payload & { affectedClusters: number }>(
    ['resumeHub', 'ResumeHubInput'],
    'affectedClusters',
    { reason },
    around,
  );
  const no = declined(answer, around);
  if (no !== undefined) return no;
  around.out('the hub goes on\n');
  return EXIT.yes;
}
