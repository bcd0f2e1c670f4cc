import assert from 'node:assert/strict';
import { type FaultCode, FlotillaError } from '#proto/faults.ts';

/** Asserts that a promise ends in a FlotillaError of the code, with a message that matches, and answers it. */
export async function assertFault(
  promise: Promise<unknown>,
  code: FaultCode,
  message = /./,
): Promise<FlotillaError> {
  const error = await promise.then(
    () => assert.fail(`nothing was thrown; expected ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof FlotillaError, String((error as Error).stack ?? error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return error;
}

/** Asserts that whatever is thrown is a FlotillaError: what hostile input may cause, and nothing else. */
export async function assertOnlyFaults(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    assert.ok(error instanceof FlotillaError, String((error as Error).stack ?? error));
  }
}

export const never = new AbortController().signal;
