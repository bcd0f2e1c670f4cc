import { FlotillaError } from '#proto/faults.ts';
import { usage } from '../args.ts';
import { Denied, EXIT, type ExitCode } from '../exit.ts';
import type { Surroundings } from '../verb.ts';

/** To be asked of every mutation. */
const ERRORS = 'errors { __typename ... on UserError { message code } }';
export type OrderError = {
  __typename: 'NotFoundError' | 'ForbiddenError' | 'ConflictError' | 'InvalidError';
  message: string;
  code: string;
};
export type Payload = { errors: OrderError[] };

/**
 * What the hub said against an order, for people; undefined when it said nothing. What may not be is a mistake, what is not as it
 * was taken to be is an answer.
 * @throws FlotillaError hub-refused (with exit code 4), or usage
 */
export function declined({ errors }: Payload, { talk }: Surroundings): ExitCode | undefined {
  const [first, ...more] = errors;
  if (!first) return undefined;
  if (first.__typename === 'InvalidError' && first.code !== 'needs-commit') throw usage(first.message);
  for (const { message } of more) talk(message);
  if (first.__typename === 'ForbiddenError')
    throw new FlotillaError('hub-refused', first.message, { cause: new Denied(first.code) });
  talk(first.message);
  return EXIT.no;
}

/** One mutation with one input. @throws as `Hub.ask` */
export async function give<T extends Payload>(
  [name, input]: readonly [mutation: string, input: string],
  result: string,
  value: object,
  { hub, signal }: Surroundings,
): Promise<T> {
  const query = `mutation Order($input: ${input}!) { it: ${name}(input: $input) { ${result} ${ERRORS} } }`;
  const { it } = await hub.ask<{ it: T }>(query, { input: value }, signal);
  return it;
}
