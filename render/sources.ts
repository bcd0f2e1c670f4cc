/**
 * The file that an object was rendered from. It stands beside the object, because what is rendered is what the API server is asked
 * for and nothing else, and a renderer that cannot tell it may keep silent.
 */
const files = new WeakMap<object, string>();

/** A copy that is known to come from `file`; the given object may belong to other renderings too. */
export function comingFrom<Value extends object>(value: Value, file: string | undefined): Value {
  if (file === undefined) return value;
  const copy = { ...value };
  files.set(copy, file);
  return copy;
}

/** The path in the repository, or undefined where nobody said. */
export const fileOf = (value: object): string | undefined => files.get(value);

/** What was made from an object comes from the same file. */
export function keepFile(from: unknown, made: unknown): void {
  const file = isObject(from) && files.get(from);
  if (file && isObject(made)) files.set(made, file);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
