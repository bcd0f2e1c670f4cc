import { type FleetEvent, lineFacts } from './advance.ts';
import { command } from './commands.ts';
import type { FleetFacts } from './facts.ts';
import type { Command, Refused } from './order.ts';
import { isRecovered } from './recover.ts';
import type { FleetState, Whom } from './state.ts';

/** What a person orders: about one placement's line, or about clusters whatever runs there. */
export type FleetCommand =
  | { readonly placement: string; readonly order: Command }
  | {
      readonly kind: 'freeze' | 'unfreeze';
      readonly whom: Whom;
      readonly by: string;
      readonly reason?: string;
      readonly until?: number;
    }
  | {
      readonly kind: 'hold' | 'release';
      readonly cluster: string;
      readonly by: string;
      readonly reason?: string;
      readonly until?: number;
    }
  /** Ends the Recovered start (recover.ts). */
  | { readonly kind: 'resumeRecovered'; readonly by: string; readonly reason: string };

export type Ordered = { readonly state: FleetState; readonly events: readonly FleetEvent[] };

/** Carries out an order on saved state, or refuses it and changes nothing. The next `advance` acts upon it. */
export function orderFleet(
  state: FleetState,
  facts: FleetFacts,
  order: FleetCommand,
  now: number,
): Ordered | Refused {
  if ('placement' in order) return orderLine(state, facts, order.placement, order.order, now);
  if (order.kind === 'resumeRecovered') return resumeRecovered(state, order, now);
  const { by, reason = 'no reason given', until } = order;
  if (until !== undefined && until <= now)
    return refused('expired', `${order.kind} would be over before it began`);
  const made = { by, reason, ...(until !== undefined && { until }) };
  switch (order.kind) {
    case 'freeze':
    case 'unfreeze':
      return freeze(state, order.kind, order.whom, made);
    case 'hold':
    case 'release':
      return hold(state, facts, order.kind, order.cluster, made);
    default:
      order satisfies never;
      return refused('nothing-to-do', 'nothing is ordered');
  }
}

const refused = (code: Refused['refused']['code'], message: string): Refused => ({
  refused: { code, message },
});

function orderLine(
  state: FleetState,
  facts: FleetFacts,
  placement: string,
  order: Command,
  now: number,
): Ordered | Refused {
  const line = state.lines[placement];
  if (!line || !facts.placements.has(placement))
    return refused('unknown-placement', `there is no placement ${placement}`);
  const silent = new Map(Object.entries(state.silent).map(([cluster, { hub }]) => [cluster, hub]));
  const done = command(line, lineFacts(state, facts, placement, silent), order, now);
  if ('refused' in done) return done;
  const events = done.events.map((event) => ({ ...event, placement }));
  return { state: { ...state, lines: { ...state.lines, [placement]: done.line } }, events };
}

/** Only what recovering has paused goes on; whatever else holds a line still does. */
function resumeRecovered(
  state: FleetState,
  { by, reason }: { by: string; reason: string },
  now: number,
): Ordered | Refused {
  if (!isRecovered(state)) return refused('nothing-paused', 'the hub has its state: nothing waits for this');
  const lines = { ...state.lines };
  const events: FleetEvent[] = [{ what: 'resumed', by, reason }];
  for (const [placement, line] of Object.entries(lines)) {
    const pauses = line.pauses.filter(({ cause }) => cause !== 'recovered');
    if (pauses.length === line.pauses.length) continue;
    lines[placement] = { ...line, pauses };
    events.push({ what: 'resumed', placement, by, reason });
  }
  const recovered = state.recovered && { ...state.recovered, over: now };
  return { state: { ...state, lines, ...(recovered && { recovered }) }, events };
}

type Made = { by: string; reason: string; until?: number };

function freeze(state: FleetState, kind: 'freeze' | 'unfreeze', whom: Whom, made: Made): Ordered | Refused {
  const same = JSON.stringify(whom);
  const others = state.freezes.filter((one) => JSON.stringify(one.whom) !== same);
  if (kind === 'freeze')
    return {
      state: { ...state, freezes: [...others, { whom, ...made }] },
      events: [{ what: 'frozen', by: made.by, reason: made.reason }],
    };
  if (others.length === state.freezes.length) return refused('nothing-to-do', 'there is no such freeze');
  return { state: { ...state, freezes: others }, events: [{ what: 'unfrozen', by: made.by }] };
}

function hold(
  state: FleetState,
  facts: FleetFacts,
  kind: 'hold' | 'release',
  cluster: string,
  made: Made,
): Ordered | Refused {
  if (!facts.clusters.some(({ name }) => name === cluster))
    return refused('unknown-cluster', `there is no cluster ${cluster}`);
  if (kind === 'hold')
    return {
      state: { ...state, holds: { ...state.holds, [cluster]: made } },
      events: [{ what: 'held', cluster, by: made.by, reason: made.reason }],
    };
  const { [cluster]: was, ...others } = state.holds;
  if (!was) return refused('nothing-to-do', `${cluster} is not held`);
  return { state: { ...state, holds: others }, events: [{ what: 'released', cluster, by: made.by }] };
}
