import type { Json } from '../yaml/read.ts';
import { NOT_IN_JSON, resolvePlain } from '../yaml/scalar.ts';
import { EngineFault } from './fault.ts';
import { kindOf } from './json.ts';

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
