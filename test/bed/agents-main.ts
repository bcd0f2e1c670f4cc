/** Agents of many clusters in one process, each as it would run alone: a fleet of dozens fits on one machine. Takes a file of flags. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { readConfig } from '#agent/config.ts';
import { runAgent } from '#agent/main.ts';

const [file] = process.argv.slice(2);
if (!file) throw new Error('usage: node test/bed/agents-main.ts FILE, a JSON list of lists of flags');
const fleet = JSON.parse(readFileSync(file, 'utf8')) as readonly (readonly string[])[];
const end = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => end.abort());
setFlagsFromString('--optimize-for-size');
await Promise.all(fleet.map((flags) => runAgent(readConfig(flags, process.env), end.signal)));
