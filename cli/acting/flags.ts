import { duration, milliseconds } from '#proto/documents/common.ts';
import { type Flags, type Parsed, usage } from '../args.ts';
import type { Surroundings } from '../verb.ts';
import { flagValue } from '../verbs/common.ts';

export const ORDER: Flags = {
  reason: { value: 'TEXT', describe: 'why, for everybody who reads it later; kept in the audit' },
  yes: { short: 'y', describe: 'do not ask' },
};
export const EXPIRY: Flags = {
  for: { value: 'DURATION', describe: 'how long, e.g. 2h or 3d' },
  until: { value: 'TIME', describe: 'instead of --for, e.g. 2026-12-01T08:00:00Z' },
};

/** @throws FlotillaError usage where it is missing */
export function reasonOf(parsed: Parsed): string {
  const reason = flagValue(parsed, 'reason');
  if (reason === undefined || reason.trim() === '') throw usage('--reason is missing: say why');
  return reason;
}

/** RFC 3339; undefined where neither flag is given. @throws FlotillaError usage */
export function expiryOf(parsed: Parsed, now: number): string | undefined {
  const [span, time] = [flagValue(parsed, 'for'), flagValue(parsed, 'until')];
  if (span !== undefined && time !== undefined) throw usage('either --for or --until');
  if (span !== undefined) {
    const wrong = duration.safeParse(span).error?.issues[0]?.message;
    if (wrong !== undefined) throw usage(`--for ${span} is ${wrong}`);
    return timeText(now + milliseconds(span), `--for ${span}`);
  }
  if (time === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\d/.test(time) ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(at)) throw usage(`--until ${time} is not a time such as 2026-12-01T08:00:00Z`);
  if (at <= now) throw usage(`--until ${time} is over`);
  return timeText(at, `--until ${time}`);
}

function timeText(at: number, given: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) throw usage(`${given} is too long`);
  return time.toISOString();
}

/** @throws FlotillaError usage where neither flag is given */
export function expiryNeeded(parsed: Parsed, now: number): string {
  const expiresAt = expiryOf(parsed, now);
  if (expiresAt === undefined) throw usage('how long? --for 2h, or --until TIME');
  return expiresAt;
}

/**
 * Says what is about to be done, and asks. Resolves to whether to go on.
 * @throws FlotillaError usage where nobody can be asked and --yes is not given
 */
export async function confirmed(
  what: readonly string[],
  parsed: Parsed,
  { talk, confirm }: Surroundings,
): Promise<boolean> {
  for (const line of what) talk(line);
  if (parsed.switches.has('yes')) return true;
  if (!confirm) throw usage('nobody is here to be asked: look at the lines above, and repeat with --yes');
  if (await confirm('go on? [y/N] ')) return true;
  talk('nothing was done');
  return false;
}
