import type { Json } from '../../yaml/read.ts';
import { BLANK, isMap } from '../json.ts';

/** The value with every null that was written as nothing made an ordinary null; parts without any are shared. */
export function withoutBlanks(value: Json): Json {
  if (value === BLANK) return null;
  if (Array.isArray(value)) {
    const items = value.map(withoutBlanks);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isMap(value)) return value;
  let result: { [key: string]: Json } | undefined;
  for (const key of Object.keys(value)) {
    const after = withoutBlanks(value[key]!);
    if (after === value[key]) continue;
    result ??= { ...value };
    Object.defineProperty(result, key, {
      value: after,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return result ?? value;
}
