import type { Problem } from '#proto/problems.ts';

/** A problem as reports tell it: the place stands apart, and is always known. */
export type Told = {
  readonly code: string;
  /** From the root of the fleet repo. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly suggestion?: string;
};

/** A fault of the file as a whole stands at its beginning. */
export function told({ code, source, message, suggestion }: Problem): Told {
  const { file, line = 1, column = 1 } = source;
  return {
    code,
    file,
    line,
    column,
    message: withoutPlace(message, file),
    ...(suggestion !== undefined && { suggestion }),
  };
}

/** Messages start with their file where they stand alone. */
function withoutPlace(message: string, file: string): string {
  if (!message.startsWith(`${file}:`)) return message;
  return message.slice(file.length).replace(/^:(\d+:\d+:)? ?/, '');
}
