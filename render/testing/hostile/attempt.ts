import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { openEngine } from '../../engine.ts';
import { renderAssignment } from '../../render.ts';
import { assignmentOf } from '../assignment.ts';
import { pace } from '../pace.ts';
import { HOSTILE } from './cases.ts';

/** What came of a hostile overlay: milliseconds of CPU of the thread in the call (on a machine of ordinary pace), and by how many MB the process grew at most. */
export type Attempt = {
  readonly said: string | undefined;
  readonly code: string | undefined;
  readonly ms: number;
  readonly mb: number;
};

const { signal } = new AbortController();
const { files, symlinks = {} } = HOSTILE[process.argv[2]!]!.make();
const store = new MemoryObjects();
const links = Object.entries(symlinks).map(([path, link]) => [path, { link }] as const);
const rootTree = store.snapshot({
  ...files,
  ...Object.fromEntries(links),
  'ordinary/kustomization.yaml': 'resources: [a.yaml]\n',
  'ordinary/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
});
const renderer = openEngine();
const render = (path: string) =>
  renderAssignment({ objects: store, rootTree, assignment: assignmentOf(path), renderer }, signal);
await render('ordinary');

globalThis.gc?.();
const before = resident('VmRSS');
// Linux counts the peak anew from here; elsewhere what came before counts too.
if (existsSync('/proc/self/clear_refs')) writeFileSync('/proc/self/clear_refs', '5');
const start = process.threadCpuUsage();
const failed = await render('app').then(
  () => undefined,
  (error: Error & { code?: string }) => error,
);
const { user, system } = process.threadCpuUsage(start);
const mb = resident('VmHWM') - before;
const attempt: Attempt = {
  said: failed?.message,
  code: failed?.code,
  ms: (user + system) / 1000 / pace(),
  mb,
};
process.stdout.write(JSON.stringify(attempt));

function resident(which: 'VmRSS' | 'VmHWM'): number {
  if (!existsSync('/proc/self/status')) return process.resourceUsage().maxRSS / 1024;
  return Number(new RegExp(`${which}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
}
