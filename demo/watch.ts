import { eventually, pause } from '#test/bed/eventually.ts';
import { formatFleet, readFleet } from './table.ts';

const REFRESH_MS = 500;

/** Waits until every cluster is OK, telling progress; returns the milliseconds it took. */
export async function untilAllCurrent(
  graphql: string,
  count: number,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const started = performance.now();
  let told = -1;
  await eventually(
    `${count} clusters OK`,
    async (limit) => {
      const rows = await readFleet(graphql, limit);
      const current = rows.filter((row) => row.status.headline === 'OK').length;
      if (current !== told) say(`  ${current} of ${count} clusters are OK`);
      told = current;
      return current >= count ? true : undefined;
    },
    120_000,
    signal,
  );
  return performance.now() - started;
}

/**
 * Shows the fleet until aborted: on a terminal a table that is drawn in place, elsewhere a line for each change; `plain` is without colours.
 * While the hub does not answer, the last table stands with a word about it.
 */
export async function showFleet(
  graphql: string,
  out: NodeJS.WriteStream,
  plain: boolean,
  signal: AbortSignal,
): Promise<void> {
  const colour = out.isTTY && !plain;
  let drawn: string[] = [];
  while (!signal.aborted) {
    const lines = await readFleet(graphql, signal).then(
      (rows) => formatFleet(rows, colour),
      (error: Error) => [...drawn.filter((line) => !line.startsWith('!')), `! ${error.message}`],
    );
    if (signal.aborted) return;
    if (out.isTTY) redraw(out, drawn.length, lines);
    else for (const line of lines.filter((one) => !drawn.includes(one))) out.write(`${line}\n`);
    drawn = lines;
    await pause(REFRESH_MS, signal);
  }
}

function redraw(out: NodeJS.WriteStream, previous: number, lines: readonly string[]): void {
  const up = previous > 0 ? `\x1b[${previous}A` : '';
  const clear = '\x1b[J';
  const width = out.columns || 120;
  out.write(
    `${up}\r${clear}${lines.map((line) => `\x1b[?7l${line.slice(0, width * 4)}\x1b[?7h\n`).join('')}`,
  );
}
