import { appendFileSync } from 'node:fs';

/** Names the steps that a process passes, so that tests can prove where it was, and end or halt it exactly there. */
export type Mark = (name: string) => void;

export type MarkOptions = {
  /** Each name is appended to it, synchronously. */
  file: string | undefined;
  /** `name` or `name:n`: the process kills itself, as `kill -9` would, when it passes that step for the nth time. */
  stopAt: string | undefined;
  /** In the same form: there the process halts (SIGSTOP) until somebody sends SIGCONT. */
  pauseAt: string | undefined;
};

/** What `stopAt` and `pauseAt` look like. */
export const MARK_POINT = /^[a-z-]+(:[1-9][0-9]*)?$/;

/** Does nothing where nothing was asked for. */
export function createMark({ file, stopAt, pauseAt }: MarkOptions): Mark {
  const ends = [signalAt(stopAt, 'SIGKILL'), signalAt(pauseAt, 'SIGSTOP')];
  return (name) => {
    if (file !== undefined) appendFileSync(file, `${name}\n`);
    for (const end of ends) end(name);
  };
}

/** The signal has taken effect when `kill` returns: a process that signals itself does not go on before. */
function signalAt(point: string | undefined, signal: 'SIGKILL' | 'SIGSTOP'): Mark {
  if (point === undefined) return () => undefined;
  const [wanted, times = '1'] = point.split(':');
  let passed = 0;
  return (name) => {
    if (name !== wanted) return;
    passed++;
    if (passed === Number(times)) process.kill(process.pid, signal);
  };
}
