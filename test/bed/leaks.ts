/** Finds processes that a bed should have ended. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { runOwned } from '#tools/owned.ts';

export type Survivor = { pid: number; command: string };

/** Processes, other than this one, whose command line (on Linux also environment) names the directory. */
export async function survivorsOf(dir: string): Promise<Survivor[]> {
  const { stdout } = await runOwned('ps', ['-A', '-ww', '-o', 'pid=,args='], { limit: 16_000_000 });
  const found = new Map<number, string>();
  for (const line of stdout.split('\n')) {
    const [, pid, command = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid !== undefined && command.includes(dir)) found.set(Number(pid), command);
  }
  if (process.platform === 'linux') {
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (environment.includes(dir) && !found.has(pid)) found.set(pid, `(environment names ${dir})`);
    }
  }
  found.delete(process.pid);
  return [...found].map(([pid, command]) => ({ pid, command }));
}

/** Fails when a process that belongs to the directory is still there after `withinMs`. */
export async function assertNoSurvivors(dir: string, withinMs = 60_000): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    const survivors = await survivorsOf(dir);
    if (survivors.length === 0) return;
    if (Date.now() > end) {
      const list = survivors.map(({ pid, command }) => `\n  ${pid} ${command.slice(0, 200)}`).join('');
      throw new Error(`processes of ${dir} are still running:${list}`);
    }
    await delay(50);
  }
}
