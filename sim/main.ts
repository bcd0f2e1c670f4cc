import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startSim } from './server.ts';

const HELP = `node scripts/run.mjs sim/main.ts [--clusters NAME,…] [--port N] [--dir DIR] [--ready-delay MS]

Runs simulated Kubernetes API servers until Ctrl-C, for playing with kubectl:
  --clusters     names, separated by commas (default: sim)
  --port         one port for all of them, on 127.0.0.1 (default: a free one)
  --dir          where a kubeconfig per cluster is written, NAME.kubeconfig (default: the current directory)
  --ready-delay  milliseconds until a workload is ready (default: 300)
`;

const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: 'sim' },
    port: { type: 'string', default: '0' },
    dir: { type: 'string', default: '.' },
    'ready-delay': { type: 'string', default: '300' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  const clusters = values.clusters.split(',').filter(Boolean);
  const readyDelay = Number(values['ready-delay']);
  const sim = await startSim({ clusters, port: Number(values.port), readyDelay });
  mkdirSync(values.dir, { recursive: true });
  for (const name of clusters) {
    const path = join(values.dir, `${name}.kubeconfig`);
    writeFileSync(path, sim.kubeconfig(name), { mode: 0o600 });
    process.stdout.write(`${name}: ${sim.secureUrl(name)}\n  kubectl --kubeconfig ${path} get namespaces\n`);
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sim.close());
}
