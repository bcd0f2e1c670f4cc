import type { z } from 'zod';
import { LIMITS } from '../limits.ts';
import type { Problem } from '../problems.ts';
import { explain, problemAt } from './explain.ts';
import { type Part, Positions } from './positions.ts';

/** A file that is no document of the fleet repo, but is read as strictly as one. */
export type OtherFile<T> = {
  readonly value: T;
  /** A problem of it, at a place, found later. */
  problem(path: readonly PropertyKey[], message: string, part?: Part): Problem;
};

/** Text → what its schema makes of it, or everything that is wrong with it, each with line and column. */
export function readOther<T>(
  file: string,
  text: string,
  schema: z.ZodType<T>,
): OtherFile<T> | { readonly problems: readonly Problem[] } {
  if (text.length > LIMITS.documentBytes) {
    const token = { line: 1, column: 1, text: '' };
    return { problems: [problemAt(file, token, `is larger than ${LIMITS.documentBytes} bytes`)] };
  }
  const positions = new Positions(text);
  const { fault, value } = positions;
  if (fault) return { problems: [problemAt(file, fault.token, fault.message, { code: 'document-syntax' })] };
  const result = schema.safeParse(value);
  if (!result.success) {
    const failed = { file, schema, reserved: [], value, positions };
    return { problems: result.error.issues.flatMap((issue) => explain(issue, failed)) };
  }
  return {
    value: result.data,
    problem: (path, message, part) => problemAt(file, positions.at(path, part), message),
  };
}
