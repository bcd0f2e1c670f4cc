import { type FaultCode, FlotillaError } from '#proto/faults.ts';

/** What the exit code says. `no` is an answer, not a mistake: there is drift, or nothing of that name. */
export const EXIT = { yes: 0, no: 1, error: 2, auth: 4, usage: 64 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Faults that the caller can mend on the command line. */
const USAGE: readonly FaultCode[] = ['usage', 'selector-invalid'];

export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof FlotillaError)) return EXIT.error;
  if (error.cause instanceof Denied) return EXIT.auth;
  return USAGE.includes(error.code) ? EXIT.usage : EXIT.error;
}

/** The cause of a `hub-refused` where the hub wants to know who asks. */
export class Denied extends Error {}
