/** A moment by two clocks, in milliseconds: one that is never set but may stand still with the machine, and one that people set. */
export type Moment = { readonly steady: number; readonly wall: number };

export const thisMoment = (): Moment => ({ steady: performance.now(), wall: Date.now() });

/** How much time may have gone by: for who must let go, the clock is right that says more. */
export const atMost = (from: Moment, to: Moment): number =>
  Math.max(to.steady - from.steady, to.wall - from.wall);

/** How much time has gone by for sure: for who takes over, a clock that was set is no reason. */
export const atLeast = (from: Moment, to: Moment): number => to.steady - from.steady;
