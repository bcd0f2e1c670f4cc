/** Whether a process is halted, as by SIGSTOP. */
import { runOwned } from '#tools/owned.ts';

/** False also where there is no such process. */
export async function isHalted(pid: number | undefined): Promise<boolean> {
  if (pid === undefined) return false;
  const { stdout } = await runOwned('ps', ['-o', 'stat=', '-p', String(pid)]);
  return stdout.trimStart().startsWith('T');
}
