import { APPLYING_FAULTS } from './faults/applying.ts';
import type { Catalogue } from './faults/catalogue.ts';
import { DESIRED_FAULTS } from './faults/desired.ts';
import { FLEET_REPO_FAULTS } from './faults/fleet-repo.ts';
import { GIT_FAULTS } from './faults/git.ts';
import { HUB_FAULTS } from './faults/hub.ts';
import { PROGRAM_FAULTS } from './faults/program.ts';
import { RENDERING_FAULTS } from './faults/rendering.ts';

/** Every fault that Flotilla can report. `docs/errors.md` is generated from it and proven equal by a test. */
export const FAULTS = {
  ...FLEET_REPO_FAULTS,
  ...RENDERING_FAULTS,
  ...GIT_FAULTS,
  ...DESIRED_FAULTS,
  ...APPLYING_FAULTS,
  ...HUB_FAULTS,
  ...PROGRAM_FAULTS,
} as const satisfies Catalogue;

export type FaultCode = keyof typeof FAULTS;

/** A place in a file of the fleet repo; line and column count from 1. */
export type SourceLocation = { file: string; line?: number; column?: number };

/**
 * The one error class. `message` has its subject first, is lower case and holds no secret; `cause` is kept.
 * `source` tells where in the fleet repo it stands, where that is known.
 */
export class FlotillaError extends Error {
  override readonly name = 'FlotillaError';
  readonly code: FaultCode;
  readonly source: SourceLocation | undefined;

  constructor(code: FaultCode, message: string, options: { cause?: unknown; source?: SourceLocation } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.source = options.source;
  }
}

/** What crosses the wire and stands in status for a fault. `since` is RFC 3339. */
export type Fault = { code: FaultCode; message: string; source?: SourceLocation };

export function toFault(error: unknown): Fault {
  if (error instanceof FlotillaError) {
    return { code: error.code, message: error.message, ...(error.source && { source: error.source }) };
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

export function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(FAULTS, code);
}
