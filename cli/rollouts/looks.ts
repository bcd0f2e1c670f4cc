import type { Cell, Color } from '../output/table.ts';
import type { GateNode, Progress } from './nouns.ts';

/** Glyph and colour of a phase, a target's state or a gate; the word always stands beside them. */
const LOOKS: Readonly<Record<string, readonly [glyph: string, color: Color]>> = {
  PENDING: ['○', 'grey'],
  RUNNING: ['◐', 'blue'],
  SOAKING: ['◔', 'blue'],
  AWAITING_APPROVAL: ['◇', 'yellow'],
  PAUSED: ['‖', 'yellow'],
  SUCCEEDED: ['✔', 'green'],
  FAILED: ['✖', 'red'],
  ROLLING_BACK: ['↩', 'red'],
  ROLLED_BACK: ['↩', 'yellow'],
  SUPERSEDED: ['»', 'grey'],
  ABORTED: ['■', 'grey'],
  WAITING: ['○', 'grey'],
  APPLYING: ['◐', 'blue'],
  VERIFYING: ['◐', 'blue'],
  CURRENT: ['●', 'green'],
  OFFLINE: ['◌', 'grey'],
  BLOCKED: ['⊘', 'grey'],
  UNCHANGED: ['·', 'grey'],
  REMOVED: ['●', 'green'],
};

export const lookOf = (word: string): readonly [glyph: string, color: Color] => LOOKS[word] ?? ['?', 'grey'];

export function wordCell(word: string): Cell {
  const [text, color] = lookOf(word);
  return { text: `${text} ${word}`, color };
}

/** `12 of 40`: of those that it changes; `-` where no cluster of it is known, because none began or the hub began since. */
export function farText({ total, unchanged, current, removed }: Progress): string {
  if (total === 0) return '-';
  const changed = total - unchanged;
  return changed === 0 ? 'nothing changes' : `${current + removed} of ${changed}`;
}

const COUNTED = [
  'current',
  'removed',
  'applying',
  'waiting',
  'failed',
  'offline',
  'blocked',
  'unchanged',
] as const;

/** `12 current, 3 applying, 25 waiting`; `-` where there is none. */
export const countsText = (progress: Progress): string =>
  COUNTED.filter((key) => progress[key] > 0)
    .map((key) => `${progress[key]} ${key}`)
    .join(', ') || '-';

/** Signs of their own, so that they read without colours; told with their meaning by `gateLegend`. */
const GATES: readonly (readonly [state: string, sign: string, means: string])[] = [
  ['OPEN', '●', 'open'],
  ['WAITING', '◇', 'waited for'],
  ['CLOSED', '○', 'not yet'],
  ['SKIPPED', '»', 'skipped'],
  ['DENIED', '✖', 'denied'],
];

/** What the signs of some gates mean: `gates: ● open, ○ not yet`. Empty where there are none. */
export function gateLegend(gates: readonly GateNode[]): string {
  const used = GATES.filter(([state]) => gates.some((gate) => gate.state === state));
  return used.length === 0 ? '' : `gates: ${used.map(([, sign, means]) => `${sign} ${means}`).join(', ')}\n`;
}

/** `◇ approval: 1 of 2 given, by bob`, `» soak skipped by expedite` */
export function gateText(
  { kind, state, message, opensAt }: GateNode,
  now: number,
  span: (ms: number) => string,
): string {
  const opens = opensAt !== null && state === 'WAITING' ? `, ${span(Date.parse(opensAt) - now)} to go` : '';
  const [, sign, means] = GATES.find(([known]) => known === state) ?? [state, '?', state.toLowerCase()];
  const isTold = ['SKIPPED', 'DENIED'].includes(state);
  const said = message !== null && (isTold || state === 'WAITING') ? `: ${message}` : '';
  return `${sign} ${kind.toLowerCase()}${isTold && !message?.startsWith(means) ? ` ${means}` : ''}${said}${opens}`;
}

/** Time between two moments in whole units: 45s, 5m, 3h, 12d. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
