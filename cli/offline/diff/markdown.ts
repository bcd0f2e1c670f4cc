import type { FleetDiff, PlacementDiff } from './differ.ts';
import type { Group } from './fold.ts';
import { failures, groupLine, headline, objectLine } from './text.ts';

/** Comments on GitHub end at 65,536 characters. */
const MOST_LETTERS = 60_000;

/** A difference as a comment on a pull request: a summary, and what changes folded away below it. */
export function diffMarkdown({ from, to, placements, conflicts }: FleetDiff): string {
  const rows = placements.map((one) => `| ${cell(one.placement)} | ${cell(headline(one))} |`);
  const head = [
    `### What changes from ${inline(from.name)} to ${inline(to.name)}`,
    '',
    ...(rows.length > 0 ? ['| placement | change |', '|---|---|', ...rows, ''] : ['Nothing changes.', '']),
    ...conflicts.map((conflict) => `- ❌ ${inline(conflict)}`),
    ...placements.flatMap((one) =>
      failures(one).map((line) => `- ❌ ${inline(`${one.placement}: ${line}`)}`),
    ),
  ];
  let text = `${head.join('\n').trimEnd()}\n`;
  for (const one of placements)
    for (const group of one.groups) {
      const block = `\n${details(one, group)}`;
      if (text.length + block.length > MOST_LETTERS)
        return `${text}\nThe rest is too long to be shown here: \`flotilla diff\` shows it.\n`;
      text += block;
    }
  return text;
}

function details({ placement }: PlacementDiff, group: Group): string {
  const lines = group.objects.flatMap((object) => [`# ${objectLine(object)}`, ...object.lines]);
  // A fence longer than any in it.
  const longest = Math.max(2, ...lines.map((line) => /`*/.exec(line.slice(1).trimStart())![0].length));
  const fence = '`'.repeat(longest + 1);
  const summary = escaped(`${placement}: ${groupLine(group)}`);
  return [
    `<details><summary>${summary}</summary>`,
    '',
    `${fence}diff`,
    ...lines,
    fence,
    '',
    '</details>',
    '',
  ].join('\n');
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const cell = (text: string) => escaped(text).replaceAll('|', '\\|');
const inline = (text: string) => escaped(text).replace(/[\\`*_{}[\]#|]/g, '\\$&');
