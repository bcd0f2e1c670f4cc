import { appendFileSync } from 'node:fs';

/**
 * Names of the steps that the hub has passed, appended to a file synchronously, so that tests can prove where it was. At
 * `stopAt`, `name` or `name:n`, the process kills itself as `kill -9` would, when it passes that step for the nth time.
 * Undefined where nothing of it was asked for.
 */
export function createMarker(options: {
  file: string | undefined;
  stopAt: string | undefined;
}): ((name: string) => void) | undefined {
  const { file, stopAt } = options;
  if (file === undefined && stopAt === undefined) return undefined;
  const [stopName, times = '1'] = (stopAt ?? '').split(':');
  let passed = 0;
  return (name) => {
    if (file !== undefined) appendFileSync(file, `${name}\n`);
    if (name !== stopName) return;
    passed++;
    if (passed === Number(times)) process.kill(process.pid, 'SIGKILL');
  };
}
