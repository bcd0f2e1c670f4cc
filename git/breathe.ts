import { setImmediate } from 'node:timers/promises';

/**
 * Returns a function to call often in a long computation: it lets timers, sockets and signals have their turn once
 * `everyMs` have passed since it last did, and throws the signal's reason when that was aborted.
 */
export function createBreather(everyMs = 10): (signal: AbortSignal) => Promise<void> | undefined {
  let last = performance.now();
  return (signal) => {
    if (performance.now() - last < everyMs) return undefined;
    return setImmediate().then(() => {
      last = performance.now();
      signal.throwIfAborted();
    });
  };
}
