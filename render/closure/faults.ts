import { FlotillaError } from '#proto/faults.ts';

/** So many are told in words. */
const MOST = 20;

/** Results in order, and what was wrong with others; whatever is no FlotillaError is thrown, the first one in order. */
export async function settle<Value>(
  promises: readonly Promise<Value>[],
): Promise<{ values: Value[]; faults: FlotillaError[] }> {
  const values: Value[] = [];
  const faults: FlotillaError[] = [];
  for (const result of await Promise.allSettled(promises))
    if (result.status === 'fulfilled') values.push(result.value);
    else if (result.reason instanceof FlotillaError) faults.push(...faultsOf(result.reason));
    else throw result.reason;
  return { values, faults };
}

/** Waits for all, then throws everything that was wrong, in order, so that the same repository always fails the same way. */
export async function inOrder<Value>(promises: readonly Promise<Value>[]): Promise<Value[]> {
  const { values, faults } = await settle(promises);
  throwAll(faults);
  return values;
}

/** One fault as it is; several as one that holds them (`faultsOf`), with the code and the place of the first. */
export function throwAll(faults: readonly FlotillaError[]): void {
  const different = [...new Map(faults.map((fault) => [fault.message, fault])).values()];
  const [first] = different;
  if (first === undefined) return;
  if (different.length === 1) throw first;
  const lines = different.slice(0, MOST).map(({ message }) => message);
  if (different.length > MOST) lines.push(`and ${different.length - MOST} more`);
  throw new FlotillaError(first.code, lines.join('\n'), {
    ...(first.source && { source: first.source }),
    cause: new AggregateError(different),
  });
}

/** What a fault was put together from; itself, where it is one alone. */
export function faultsOf(fault: FlotillaError): readonly FlotillaError[] {
  return fault.cause instanceof AggregateError ? fault.cause.errors : [fault];
}
