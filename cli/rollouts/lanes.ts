import { type Color, harmless, paint } from '../output/table.ts';
import { farText, gateText, lookOf, span } from './looks.ts';
import type { Progress, RolloutNode, StageNode, TargetNode } from './nouns.ts';
import { headText, timeText } from './text.ts';

export type Screen = { readonly columns: number; readonly rows: number };
type Around = { readonly color: boolean };

const BAR = 24;
const LEAST_BAR = 6;
/** What a lane says beside its bar, its name and its numbers: `passed 11s ago`, and the gaps between them. */
const WORDS = 24;
const MOST_TARGETS = 4;
/** In the order of the bar; each has a sign of its own, so that it reads without colours. */
const PARTS: readonly (readonly [keys: readonly (keyof Progress)[], sign: string, color: Color])[] = [
  [['current', 'removed'], '█', 'green'],
  [['failed'], '✖', 'red'],
  [['offline', 'blocked'], '·', 'grey'],
  [['applying'], '▒', 'blue'],
  [['waiting'], '░', 'grey'],
];

/** A lane for each stage: its bar, its gates, and the clusters that it is about now. Never wider than the screen, nor longer. */
export function lanes(
  rollout: RolloutNode,
  targets: readonly TargetNode[],
  now: number,
  screen: Screen,
  around: Around,
): string[] {
  const width = Math.max(...rollout.stages.map(({ name }) => name.length));
  const far = Math.max(...rollout.stages.map(({ progress }) => farText(progress).length));
  const bar = Math.min(BAR, Math.max(LEAST_BAR, screen.columns - width - far - WORDS));
  const lines = headText(rollout, now, around).trimEnd().split('\n');
  lines.push('');
  for (const stage of rollout.stages) {
    lines.push(lane(stage, { width, far, bar }, now, around));
    const indent = ' '.repeat(width + 4);
    const gates = stage.gates.map((gate) => gateText(gate, now, span));
    if (gates.length > 0 && stage.phase !== 'SUCCEEDED')
      lines.push(...gatesText(gates.map(harmless), indent, screen.columns));
    const own = targets.filter((target) => target.stage === stage.name);
    for (const target of own.slice(0, MOST_TARGETS))
      lines.push(`${indent}${targetText(target, now, around)}`);
    if (own.length > MOST_TARGETS) lines.push(`${indent}… and ${own.length - MOST_TARGETS} more`);
  }
  lines.push('', ...rollout.waitingFor.flatMap((words) => folded(harmless(words), '', screen.columns)));
  const most = Math.max(4, screen.rows - 1);
  const shown = lines.length > most ? [...lines.slice(0, most - 1), '…'] : lines;
  return shown.map((line) => clipped(line, screen.columns));
}

type Widths = { readonly width: number; readonly far: number; readonly bar: number };

function lane(stage: StageNode, { width, far, bar }: Widths, now: number, { color }: Around): string {
  const [glyph, tint] = lookOf(stage.phase);
  const name = `${paint(glyph, tint, color)} ${harmless(stage.name).padEnd(width)}`;
  const phase = stage.phase === 'SUCCEEDED' ? '' : stage.phase.toLowerCase().replaceAll('_', ' ');
  const time = timeText(stage, now);
  const words = [phase, time === '-' ? '' : time].filter((part) => part !== '').join(' ');
  return `${name}  ${barOf(stage.progress, color, bar)}  ${farText(stage.progress).padEnd(far)}  ${words}`.trimEnd();
}

/** Every part that is not empty is at least one sign long. */
export function barOf(progress: Progress, color: boolean, width = BAR): string {
  const counts = PARTS.map(([keys]) => keys.reduce((sum, key) => sum + progress[key], 0));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return ' '.repeat(width);
  const lengths = counts.map((count) => (count === 0 ? 0 : Math.max(1, Math.floor((count * width) / total))));
  const largest = counts.indexOf(Math.max(...counts));
  lengths[largest]! += width - lengths.reduce((sum, length) => sum + length, 0);
  return PARTS.map(([, sign, tint], at) =>
    lengths[at]! > 0 ? paint(sign.repeat(lengths[at]!), tint, color) : '',
  ).join('');
}

function targetText(
  { name, state, startedAt, finishedAt, message }: TargetNode,
  now: number,
  { color }: Around,
): string {
  const [glyph, tint] = lookOf(state);
  const since = finishedAt ?? startedAt;
  const time = since === null ? '' : ` ${span(now - Date.parse(since))}`;
  return `${paint(`${glyph} ${state}`, tint, color)} ${harmless(`${name}${time}${message === null ? '' : `: ${message}`}`)}`;
}

/** In one line if they fit, else each in lines of its own. */
export function gatesText(gates: readonly string[], indent: string, columns: number): string[] {
  const line = `${indent}${gates.join('   ')}`;
  return line.length < columns ? [line] : gates.flatMap((gate) => folded(gate, indent, columns));
}

/** Words without colours in lines no wider than the screen, but for words that are. */
function folded(text: string, indent: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const isFitting = last !== undefined && last.length + 1 + word.length < columns;
    if (isFitting) lines[lines.length - 1] = `${last} ${word}`;
    else if (word !== '') lines.push(`${indent}${word}`);
  }
  return lines;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that `paint` gives
const PAINT = /\u001b\[\d+m/g;

/** Colours take no place. */
function clipped(line: string, columns: number): string {
  let room = columns - 1;
  let text = '';
  let last = 0;
  let isPainted = false;
  const take = (plain: string) => {
    const signs = [...plain];
    text += signs.slice(0, Math.max(0, room)).join('');
    room -= signs.length;
  };
  for (const found of line.matchAll(PAINT)) {
    take(line.slice(last, found.index));
    text += found[0];
    isPainted = true;
    last = found.index + found[0].length;
  }
  take(line.slice(last));
  return isPainted ? `${text}\u001b[0m` : text;
}
