import { appendFileSync } from 'node:fs';

/** Names the steps that the process passes, so that tests can prove where it was and end it exactly there. */
export type Mark = (name: string) => void;

/**
 * Appends each name to a file, synchronously. `stopAt` is `name` or `name:n`: the process kills itself, as `kill -9` would, when it
 * passes that step for the nth time.
 */
export function createMark(options: { file: string | undefined; stopAt: string | undefined }): Mark {
  const { file, stopAt } = options;
  if (file === undefined && stopAt === undefined) return () => undefined;
  const [stopName, times = '1'] = (stopAt ?? '').split(':');
  let passed = 0;
  return (name) => {
    if (file !== undefined) appendFileSync(file, `${name}\n`);
    if (name !== stopName) return;
    passed++;
    if (passed === Number(times)) process.kill(process.pid, 'SIGKILL');
  };
}
