/** What tests draw at random, the same at every run: a failure is of the change at hand, and comes again. */

/** FLOTILLA_SEED=N looks for other runs. */
export const SEED = Number(process.env.FLOTILLA_SEED ?? 7);

/** Mulberry32 (Tommy Ettinger, public domain): numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed = SEED): () => number {
  let state = seed * 0x9e3779b1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
