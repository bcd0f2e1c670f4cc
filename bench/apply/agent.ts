/** The agent as a process that tells its parent what it has used: started by bench/apply.bench.ts. */
import { subscribe } from 'node:diagnostics_channel';
import { pino } from 'pino';
import { readConfig } from '#agent/config.ts';
import { runAgent } from '#agent/main.ts';

/** Since the process started; seconds, MB of 10⁶ bytes. */
export type Usage = {
  requests: number;
  writes: number;
  watches: number;
  cpuS: number;
  rssMb: number;
  peakRssMb: number;
  /** Requests by method and resource. */
  kinds: Record<string, number>;
};

const counts = { requests: 0, writes: 0, watches: 0 };
const kinds: Record<string, number> = {};

subscribe('undici:request:create', (message) => {
  const { request } = message as { request: { method: string; path: string; origin: string } };
  if (!/^\/(api|apis|version)(\/|$)/.test(request.path)) return;
  if (/[?&]watch=true/.test(request.path)) counts.watches++;
  else counts.requests++;
  if (request.method !== 'GET') counts.writes++;
  const kind = `${request.method} ${resourceOf(request.path)}`;
  kinds[kind] = (kinds[kind] ?? 0) + 1;
});

/** `deployments/*` for one object, `deployments` for a list. */
function resourceOf(path: string): string {
  const [, ...parts] = path
    .split('?')[0]!
    .replace(/^\/(api|apis\/[^/]+)\/[^/]+/, '')
    .split('/');
  const [plural = 'discovery', name] = parts[0] === 'namespaces' && parts.length > 2 ? parts.slice(2) : parts;
  return name === undefined ? plural : `${plural}/*`;
}

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const usage: Usage = {
    ...counts,
    cpuS: (user + system) / 1e6,
    rssMb: process.memoryUsage.rss() / 1e6,
    peakRssMb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    kinds: { ...kinds },
  };
  process.send!(usage);
});

const end = new AbortController();
process.once('SIGTERM', () => end.abort());
process.once('disconnect', () => end.abort());
const log = pino({ level: process.env.BENCH_LOG ?? 'silent' }, pino.destination(2));
await runAgent(readConfig(process.argv.slice(2), process.env), end.signal, log);
// The channel to the parent keeps the process alive.
process.disconnect?.();
