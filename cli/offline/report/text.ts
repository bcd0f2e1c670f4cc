import { withoutSeeds } from '#proto/nkey.ts';
import type { Problem } from '#proto/problems.ts';
import { type Color, harmless, paint } from '../../output/table.ts';
import { told } from './told.ts';

const MOST_LETTERS = 160;

/**
 * A problem for people: its place, what is wrong, the line with the offending text marked, and what to do. `line` is the text of a
 * line of a file, from 1.
 */
export function problemText(
  problem: Problem,
  line: (file: string, line: number) => string | undefined,
  color: boolean,
): string {
  const { code, file, line: at, column, message, suggestion } = told(problem);
  const { severity } = problem;
  const tone: Color = severity === 'error' ? 'red' : 'yellow';
  const place = problem.source.line === undefined ? file : `${file}:${at}:${column}`;
  const rows = [
    `${harmless(place)}: ${paint(severity, tone, color)}: ${harmless(message)} ${paint(`[${code}]`, 'grey', color)}`,
  ];
  const text = problem.source.line === undefined ? undefined : line(file, at);
  // A line that holds a seed is not repeated, whatever is wrong with it.
  if (text !== undefined && text.trim() !== '' && withoutSeeds(text) === text && column <= MOST_LETTERS) {
    const gutter = String(at).length;
    const blank = text.slice(0, column - 1).replace(/[^\t]/g, ' ');
    const width = Math.max(1, Math.min(widthOf(problem, text, column), MOST_LETTERS));
    rows.push(`${paint(`  ${at} |`, 'grey', color)} ${shown(text)}`);
    rows.push(
      `${paint(`  ${' '.repeat(gutter)} |`, 'grey', color)} ${blank}${paint('^'.repeat(width), tone, color)}`,
    );
  }
  if (suggestion !== undefined && !message.includes(suggestion))
    rows.push(`    ${paint('try:', 'green', color)} ${harmless(suggestion)}`);
  return `${rows.join('\n')}\n`;
}

/** How much of the line is meant. */
function widthOf({ text }: Problem, line: string, column: number): number {
  if (text !== undefined && line.startsWith(text, column - 1)) return text.length;
  return /^[^\s,\]}]*/.exec(line.slice(column - 1))![0].length;
}

function shown(text: string): string {
  const cut = text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text;
  return cut.trimEnd().replace(/[^\t]+/g, harmless);
}
