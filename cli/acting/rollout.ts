import { type Flags, type Parsed, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { findRollouts } from '../rollouts/find.ts';
import type { RolloutNode } from '../rollouts/nouns.ts';
import type { Surroundings } from '../verb.ts';
import { flagValue } from '../verbs/common.ts';
import { confirmed, EXPIRY, expiryOf, ORDER, reasonOf } from './flags.ts';
import { type Act, meantBy } from './meant.ts';
import { declined, give, type Payload } from './order.ts';

const SKIPS = ['soak', 'window', 'approval', 'webhook', 'evidence'] as const;

/** Verb → mutation, its input, and what it does, in words. */
const ACTS = {
  pause: ['pauseRollout', 'PauseInput', 'nothing new starts; what is under way finishes'],
  resume: ['resumeRollout', 'RolloutInput', 'goes on; failures and regressions so far are accepted'],
  retry: [
    'retryRollout',
    'RolloutInput',
    'what failed is tried again, what was rejected may start, gates begin anew',
  ],
  abort: [
    'abortRollout',
    'RolloutInput',
    'stops here; who runs it keeps it until its stage passes something newer',
  ],
  rollback: ['rollBackRollout', 'RolloutInput', 'goes back everywhere it came to, now'],
  expedite: ['expediteRollout', 'ExpediteInput', 'does not wait any more'],
} as const satisfies Record<Act, unknown>;
export const ROLLOUT_ACTS = Object.keys(ACTS) as Act[];
export const isAct = (word: string): word is Act => Object.hasOwn(ACTS, word);

export const ACT_FLAGS: Flags = {
  ...ORDER,
  ...EXPIRY,
  stage: { value: 'NAME', multiple: true, describe: 'of expedite: a stage that is not to wait' },
  skip: {
    value: 'WHAT',
    choices: SKIPS,
    multiple: true,
    describe: 'of expedite: what it is not to wait for',
  },
};

/** Orders something about the rollouts that a word means. */
export async function actOnRollouts(
  act: Act,
  word: string,
  parsed: Parsed,
  around: Surroundings,
): Promise<ExitCode> {
  const details = detailsOf(act, parsed, around.now());
  const found = await findRollouts(word, around.hub, around.signal);
  if ('missing' in found) {
    around.talk(found.missing);
    return EXIT.no;
  }
  const meant = await meantBy(act, found.rollouts, details.stages ?? [], around);
  if ('unclear' in meant) throw usage(meant.unclear);
  const lines = meant.orders.flatMap(({ rollout, with: others }) => [
    `${act} ${toldOf(rollout)}`,
    ...others.map((one) => `  with it, for it is the same line: ${toldOf(one)}`),
  ]);
  const said = [...lines, ...meant.left, `${act}: ${meansOf(ACTS[act][2], details)}`];
  if (!(await confirmed(said, parsed, around))) return EXIT.no;
  const refused: Refused[] = [];
  for (const [at, { rollout, with: others }] of meant.orders.entries()) {
    const input = { rolloutId: rollout.id, expectedPhase: rollout.phase, ...details };
    type Answer = Payload & { rollout: Outcome | null };
    const [mutation, type] = ACTS[act];
    let answer: Answer;
    try {
      answer = await give<Answer>([mutation, type], 'rollout { alias phase }', input, around);
    } catch (error) {
      const [, ...untried] = meant.orders.slice(at);
      if (meant.orders.length > 1)
        around.talk(
          brokenOff(
            act,
            rollout,
            untried.map((one) => one.rollout),
          ),
        );
      throw error;
    }
    if (meant.orders.length === 1) {
      const no = declined(answer, around);
      if (no !== undefined) return no;
    }
    if (answer.errors.length > 0) {
      for (const { message } of answer.errors) around.talk(`not ${rollout.alias}: ${message}`);
      refused.push({ rollout, isForbidden: answer.errors[0]!.__typename === 'ForbiddenError' });
      continue;
    }
    tell(answer.rollout ?? rollout, around);
    for (const { id } of others) {
      const { rollout: other } = await around.hub.ask<{ rollout: Outcome | null }>(
        NOW,
        { id },
        around.signal,
      );
      if (other) tell(other, around);
    }
  }
  if (refused.length === 0) return EXIT.yes;
  const done = meant.orders.length - refused.length;
  around.talk(
    `${act}: done for ${done} of ${meant.orders.length}, not for ${aliases(refused.map((one) => one.rollout))}`,
  );
  return done === 0 && refused.every((one) => one.isForbidden) ? EXIT.auth : EXIT.no;
}

type Refused = { readonly rollout: RolloutNode; readonly isForbidden: boolean };
const aliases = (rollouts: readonly RolloutNode[]): string => rollouts.map(({ alias }) => alias).join(', ');

/** Orders are given one after the other: which were, where an answer did not come. */
function brokenOff(act: Act, unclear: RolloutNode, untried: readonly RolloutNode[]): string {
  const rest = untried.length > 0 ? `; not tried for ${aliases(untried)}` : '';
  return `${act}: no answer for ${unclear.alias}: look before you repeat it${rest}`;
}

type Outcome = { alias: string; phase: string };
const NOW = 'query Now($id: ID!) { rollout(id: $id) { alias phase } }';
const tell = ({ alias, phase }: Outcome, { out }: Surroundings): void => out(`${alias} ${phase}\n`);

type Details = { reason: string; expiresAt?: string; stages?: readonly string[]; skip?: readonly string[] };

function detailsOf(act: Act, parsed: Parsed, now: number): Details {
  const reason = reasonOf(parsed);
  const given = (flag: string, of: Act) => {
    if (act !== of && flagValue(parsed, flag) !== undefined)
      throw usage(`--${flag} belongs to rollout ${of}`);
  };
  for (const flag of ['for', 'until']) given(flag, 'pause');
  for (const flag of ['stage', 'skip']) given(flag, 'expedite');
  if (act === 'pause') {
    const expiresAt = expiryOf(parsed, now);
    return { reason, ...(expiresAt !== undefined && { expiresAt }) };
  }
  if (act !== 'expedite') return { reason };
  const [stages, skip] = [parsed.values.get('stage'), parsed.values.get('skip')];
  if (!stages) throw usage('which stage is not to wait? --stage NAME');
  if (!skip) throw usage(`what is it not to wait for? --skip ${SKIPS.join('|')}`);
  return { reason, stages, skip: skip.map((one) => one.toUpperCase()) };
}

function meansOf(means: string, { expiresAt, stages, skip }: Details): string {
  if (stages) return `${stages.join(', ')} does not wait for ${skip!.join(', ').toLowerCase()}`;
  return expiresAt === undefined ? means : `${means}; until ${expiresAt}`;
}

/** Which it is, where it stands, and what it reaches. */
function toldOf({ alias, version, phase, progress, stages }: RolloutNode): string {
  const name = version.commit ? `${alias} "${version.commit.headline}"` : alias;
  const changed = progress.total - progress.unchanged;
  const done = progress.current + progress.removed;
  return `${name}, ${phase}: ${done} of ${changed} clusters done, stages ${stages.map((one) => one.name).join(', ')}`;
}
