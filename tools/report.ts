/** Progress for people: one line that changes on a terminal, a line now and then in a log. */
import type { Progress, ToolEvent } from './events.ts';

/** The part of a terminal that is written to. */
export type Output = { write(text: string): unknown; isTTY?: boolean; columns?: number };

const LOG_EVERY_MS = 15_000;

/** A `progress` for obtainTools that writes to `output` (stderr, so that stdout stays for results). */
export function reportTo(output: Output, now: () => number = Date.now): Progress {
  let current = '';
  let since = 0;
  let saidAt = 0;
  const seconds = () => `${Math.round((now() - since) / 1000)} s`;
  const clear = () => {
    if (output.isTTY) output.write('\r\x1b[K');
  };
  const line = (text: string) => {
    clear();
    output.write(`tools: ${text}\n`);
    saidAt = now();
  };
  return (event: ToolEvent) => {
    switch (event.kind) {
      case 'waiting':
        return line(`another run (process ${event.holder}) is obtaining tools; waiting for it`);
      case 'trying':
        current = `${event.tool} ${event.version}: ${event.text}`;
        since = now();
        return line(`${current} …`);
      case 'step': {
        const text = `tools: ${event.tool}: ${event.text}, ${seconds()}`;
        if (output.isTTY) {
          clear();
          output.write(text.slice(0, (output.columns ?? 80) - 1));
        } else if (now() - saidAt >= LOG_EVERY_MS) {
          output.write(`${text}\n`);
          saidAt = now();
        }
        return;
      }
      case 'passed':
        return line(`${event.tool}: ${event.text}`);
      case 'ready':
        return line(`${event.tool} ${event.version} ready: ${event.from}, ${event.seconds.toFixed(1)} s`);
      default:
        throw new Error(`unknown event ${JSON.stringify(event satisfies never)}`);
    }
  };
}
