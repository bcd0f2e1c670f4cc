/**
 * Hands changes to one slow reader: what is pending is kept per key, the newest only, and one wake-up stands for all of it.
 * Memory is bounded by the number of keys. Not yoga's PubSub: its buffer ends the process at 1,024 values that one reader
 * has not read. Not an async generator: its `return` waits for a `next` that may never come.
 */
export type ConflateOptions<K, V, T> = {
  /** What stands for two unread values of a key. */
  merge(unread: V, value: V): V;
  /** Made at the last moment, when the reader takes it; undefined when there is nothing to tell after all. */
  emit(key: K, value: V, pending: ReadonlyMap<K, V>): T | undefined;
  /** Milliseconds between two emissions at least. */
  least?: number;
  /** Ends the iteration. */
  signal: AbortSignal;
};

/** `listen` begins to listen and returns how to stop. */
export function conflate<K, V, T>(
  listen: (push: (key: K, value: V) => void) => () => void,
  { merge, emit, least = 0, signal }: ConflateOptions<K, V, T>,
): AsyncIterableIterator<T, undefined> {
  const unread = new Map<K, V>();
  const wakers = new Set<() => void>();
  let last = Number.NEGATIVE_INFINITY;
  let done = false;
  const rouse = () => {
    for (const wake of wakers) wake();
    wakers.clear();
  };
  const stop = listen((key, value) => {
    if (done) return;
    const before = unread.get(key);
    unread.set(key, before === undefined ? value : merge(before, value));
    rouse();
  });
  const end = () => {
    if (done) return;
    done = true;
    stop();
    signal.removeEventListener('abort', end);
    unread.clear();
    rouse();
  };
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();

  /** Until something is pushed, the iteration ends, or so many milliseconds have passed. */
  const sleep = async (milliseconds: number | undefined) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    wakers.add(resolve);
    const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
    await promise;
    clearTimeout(timer);
    wakers.delete(resolve);
  };
  const finished = { done: true, value: undefined } as const;
  return {
    async next() {
      while (!done) {
        const wait = last + least - performance.now();
        const first = unread.entries().next();
        if (first.done || wait > 0) {
          await sleep(first.done ? undefined : wait);
          continue;
        }
        const [key, value] = first.value;
        unread.delete(key);
        const told = emit(key, value, unread);
        if (told === undefined) continue;
        last = performance.now();
        return { done: false, value: told };
      }
      return finished;
    },
    async return() {
      end();
      return finished;
    },
    async throw(error) {
      end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
