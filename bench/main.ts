import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';

/** The one door to benchmarks: `npm run bench -- NAME [--json FILE]`; each file of this folder with a default export is one. */
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length));
const usage = `npm run bench -- NAME [--json FILE]

Prints a table for people; --json writes {name, figures: {key: number}, machine}.
Benchmarks: ${names.join(', ')}
`;

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  allowPositionals: true,
});
const [name, ...rest] = positionals;
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
if (!name || rest.length > 0 || !existsSync(join(import.meta.dirname, `${name}.bench.ts`))) {
  process.stderr.write(name ? `no benchmark ${name}\n\n${usage}` : usage);
  process.exit(64);
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupted.abort(new Error(signal)));
const { default: benchmark } = (await import(`./${name}.bench.ts`)) as { default: Benchmark };
const rows = await benchmark((text) => process.stderr.write(`${text}\n`), interrupted.signal);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;

process.stdout.write(`\n${name} on ${machine}\n`);
const width = Math.max(...rows.map((row) => row.what.length));
for (const { what, value, unit } of rows) {
  process.stdout.write(
    `  ${what.padEnd(width)}  ${value.toLocaleString('en', { maximumFractionDigits: 1 }).padStart(10)} ${unit}\n`,
  );
}
if (values.json) {
  const figures = Object.fromEntries(rows.map((row) => [row.key, row.value]));
  writeFileSync(values.json, `${JSON.stringify({ name, figures, machine }, undefined, 2)}\n`);
}
