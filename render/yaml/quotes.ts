import { needsQuotes } from './text.ts';

/**
 * Which texts of a map had quotes without need (`a: "b"`), or none where they are usual (`a: Y`): of all others it is seen from the
 * text. Nothing but what overwrites a text asks for it, so it stands beside the values, and maps that nobody notes it for are fine.
 */
const unusual = new WeakMap<object, ReadonlyMap<string, boolean>>();

/** Plain texts that some reader may take for something else, roughly; what is no text to YAML 1.2 never comes here. */
const DOUBTFUL = /^(?:[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|[-+.0-9].*)$/s;

/** Notes how the text at a key of a map is written. */
export function noteQuotes(map: object, key: string, text: string, quoted: boolean): void {
  if ((quoted || DOUBTFUL.test(text)) && needsQuotes(text) !== quoted) note(map, key, quoted);
}

/** Whether the text at a key of a map is quoted, as far as is known. */
export function hasQuotes(map: object, key: string, text: string): boolean {
  return unusual.get(map)?.get(key) ?? needsQuotes(text);
}

/** A copy of a map has the quotes of the original. */
export function keepQuotes<Copy extends object>(map: object, copy: Copy): Copy {
  const known = unusual.get(map);
  if (known) unusual.set(copy, known);
  return copy;
}

/** Quotes without need come along with a text that a fresh copy of a map gets from another map. */
export function takeQuotes(map: object, key: string, from: object): void {
  if (unusual.get(from)?.get(key)) note(map, key, true);
}

function note(map: object, key: string, quoted: boolean): void {
  unusual.set(map, new Map(unusual.get(map)).set(key, quoted));
}
