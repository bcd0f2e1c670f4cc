import type { Json } from '../yaml/read.ts';
import { NOT_IN_JSON, resolvePlain } from '../yaml/scalar.ts';
import { needsQuotes } from '../yaml/text.ts';
import { EngineFault } from './fault.ts';
import { kindOf } from './json.ts';

/**
 * Text written over a scalar with the quotes that it had: `23` over `"1"` is text, and over `1` or `a` a number. Quotes are taken to
 * be there where they are needed. `before` undefined stands for a field that is new.
 *
 * @throws EngineFault for Infinity and NaN
 */
export function restyled(before: Json | undefined, text: string): Json {
  if (typeof before === 'string' && needsQuotes(before)) return text;
  const value = resolvePlain(text);
  if (value === NOT_IN_JSON) throw new EngineFault(`${text} has no form in JSON`);
  return value;
}

/**
 * Text in the place of a scalar: the scalar's type stays, as kustomize keeps the tag of the node that it writes into.
 * `before` undefined stands for a field that is new, which means what the text does when it is not quoted.
 *
 * @throws EngineFault for text that is no value of that type
 */
export function retyped(before: Json | undefined, text: string): Json {
  if (typeof before === 'string') return text;
  const value = resolvePlain(text);
  const fits =
    before === undefined
      ? value !== NOT_IN_JSON
      : before === null
        ? value === null
        : typeof before === 'boolean'
          ? typeof value === 'boolean'
          : typeof value === 'number' || typeof value === 'bigint';
  if (!fits || value === NOT_IN_JSON)
    throw new EngineFault(`${JSON.stringify(text)} cannot stand where ${kindOf(before)} is`);
  return value;
}
