/** How long a test waits for what has to happen: a machine may be busy, and a test that waits in vain has failed anyway. */
export const PATIENCE_MS = 120_000;

/**
 * Asks again and again until `found` returns something, and returns that.
 * @throws Error saying what did not happen and what was seen last, after `timeoutMs`
 */
export async function eventually<T>(
  what: string,
  look: (signal: AbortSignal) => Promise<T | undefined>,
  timeoutMs: number,
  signal: AbortSignal,
  describe: () => string = () => '',
): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let failure: unknown;
  while (!limit.aborted) {
    try {
      const found = await look(limit);
      if (found !== undefined) return found;
      failure = undefined;
    } catch (error) {
      // A look that the end of the wait breaks off has seen nothing; what was seen before it says more.
      if (!limit.aborted || describe() === '') failure = error;
    }
    await pause(40, limit);
  }
  signal.throwIfAborted();
  const seen = failure instanceof Error ? failure.message : describe();
  throw new Error(`${what} did not happen within ${timeoutMs / 1000} s${seen ? `; last seen: ${seen}` : ''}`);
}

/** Waits, or returns at once when aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
