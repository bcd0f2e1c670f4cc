import { parseArgs } from 'node:util';

export type DemoOptions = {
  clusters: number;
  port: number | undefined;
  dir: string | undefined;
  keep: boolean;
  tour: boolean;
};

export const USAGE = `npm run demo -- [--clusters N] [--port P] [--dir DIR] [--keep] [--tour]

A fleet on this machine: real hub, agents, NATS and Git; the clusters' API servers are simulated.

  --clusters N   how many clusters, 1 to 100 [6]; one more agent always waits for its entry to be committed
  --port P       port of the hub's API [8080, or a free one when that is taken]
  --dir DIR      where everything is kept; must be empty or not there yet [a temporary directory]
  --keep         leave the directory behind at the end
  --tour         play the things to try by itself, check them through GraphQL, end with 0 or 1; needs no terminal

Ctrl-C ends it and leaves no process behind, nor a file unless --keep is given.
`;

/** @throws Error naming the flag that is wrong */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      clusters: { type: 'string', default: '6' },
      port: { type: 'string' },
      dir: { type: 'string' },
      keep: { type: 'boolean', default: false },
      tour: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return 'help';
  const clusters = wholeNumber('--clusters', values.clusters, 1, 100);
  const port = values.port === undefined ? undefined : wholeNumber('--port', values.port, 1, 65_535);
  if (values.tour && clusters < 3)
    throw new Error('--tour needs at least 3 clusters: it compares production with others');
  return { clusters, port, dir: values.dir, keep: values.keep, tour: values.tour };
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${flag} ${text}: expected a whole number from ${least} to ${most}`);
}
