/**
 * When a correction is taken back again and again, two managers fight. The first corrections come at once and then ever slower;
 * after some rounds on one field the object is left to a person, until its desired content changes or the field has been calm.
 */
export type FightRules = {
  /** Corrections of one field within the window that make a fight. */
  rounds: number;
  /** ms in which rounds count; also how long a field must be calm before we try again. */
  window: number;
  /** ms before the second correction of a field; doubles with each round. */
  firstDelay: number;
  /** ms; the longest delay. */
  longestDelay: number;
};

export const FIGHT_RULES: FightRules = {
  rounds: 6,
  window: 10 * 60_000,
  firstDelay: 250,
  longestDelay: 15_000,
};

/** Another GitOps controller comes back for certain, at its own slow pace: it need not be proven for long. */
export const TOOL_FIGHT_RULES: FightRules = { ...FIGHT_RULES, rounds: 2 };

/** Times (ms) of corrections per field pointer, oldest first; `since` is set while the fight is given up. */
export type FightState = {
  corrections: ReadonlyMap<string, readonly number[]>;
  since: number | undefined;
};

export const PEACE: FightState = { corrections: new Map(), since: undefined };

export type Verdict =
  | { type: 'correct'; state: FightState }
  | { type: 'wait'; until: number; state: FightState }
  | { type: 'fight'; retryAt: number; fields: readonly string[]; state: FightState };

/**
 * Whether drift in these fields, seen at `now`, is corrected now, later, or left alone. `lastSeen` is when a foreign write was last
 * seen on the object: a fight ends after a whole window without one.
 * Law: a field that was never corrected within the window is corrected at once.
 */
export function judgeFight(
  state: FightState,
  fields: readonly string[],
  now: number,
  lastSeen: number,
  rules: FightRules = FIGHT_RULES,
): Verdict {
  if (state.since !== undefined) {
    const retryAt = Math.max(state.since, lastSeen) + rules.window;
    if (now < retryAt) return { type: 'fight', retryAt, fields, state };
    return { type: 'correct', state: PEACE };
  }
  const recent = prune(state, now, rules);
  const fought = fields.filter((field) => (recent.corrections.get(field)?.length ?? 0) >= rules.rounds);
  if (fought.length > 0) {
    const given = { ...recent, since: now };
    return { type: 'fight', retryAt: now + rules.window, fields: fought, state: given };
  }
  let until = now;
  for (const field of fields) {
    const times = recent.corrections.get(field);
    if (times === undefined) continue;
    const delay = Math.min(rules.longestDelay, rules.firstDelay * 2 ** (times.length - 1));
    until = Math.max(until, times.at(-1)! + delay);
  }
  return until > now ? { type: 'wait', until, state: recent } : { type: 'correct', state: recent };
}

/** After a correction of these fields at `now`. */
export function corrected(
  state: FightState,
  fields: readonly string[],
  now: number,
  rules: FightRules = FIGHT_RULES,
): FightState {
  const corrections = new Map(prune(state, now, rules).corrections);
  for (const field of fields)
    corrections.set(field, [...(corrections.get(field) ?? []), now].slice(-rules.rounds));
  return { corrections, since: undefined };
}

function prune(state: FightState, now: number, rules: FightRules): FightState {
  const corrections = new Map<string, readonly number[]>();
  for (const [field, times] of state.corrections) {
    const recent = times.filter((time) => now - time < rules.window);
    if (recent.length > 0) corrections.set(field, recent);
  }
  return { ...state, corrections };
}
