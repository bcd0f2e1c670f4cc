import { type Flags, GLOBAL_FLAGS } from './args.ts';
import type { Verb } from './verb.ts';

export function helpOf(verbs: Readonly<Record<string, { summary: string }>>): string {
  const width = Math.max(...Object.keys(verbs).map((name) => name.length));
  const list = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `flotilla looks at fleet repos on this machine, and asks the hub of a fleet.

usage: flotilla VERB [FLAGS]

${list.join('\n')}

${flagLines(GLOBAL_FLAGS)}

\`flotilla VERB --help\` tells more. Exit codes: 0 yes, 1 no, 2 error, 4 not authenticated, 64 wrong command line.
`;
}

export function helpOfVerb({ summary, usage, flags, notes }: Verb): string {
  return `${[
    summary,
    usage
      .map(
        (line, index) =>
          `${index === 0 ? 'usage:' : '      '} ${isMore(line) ? '        ' : 'flotilla'} ${line}`,
      )
      .join('\n'),
    flagLines({ ...flags, ...GLOBAL_FLAGS }),
    ...notes,
  ].join('\n\n')}\n`;
}

/** The line before goes on in it. */
const isMore = (usage: string): boolean => usage.startsWith(' ');

function flagLines(flags: Flags): string {
  const lines = Object.entries(flags).map(([name, { short, value, choices, describe }]) => {
    const shown = choices ? choices.join('|') : value;
    return [`  ${short ? `-${short}, ` : '    '}--${name}${shown ? ` ${shown}` : ''}`, describe] as const;
  });
  const width = Math.min(40, Math.max(...lines.map(([flag]) => flag.length)));
  return lines
    .map(([flag, describe]) =>
      flag.length > width
        ? `${flag}\n${' '.repeat(width)}  ${describe}`
        : `${flag.padEnd(width)}  ${describe}`,
    )
    .join('\n');
}
