import { RE2JS } from 're2js';
import { EngineFault } from './fault.ts';

/**
 * Regular expressions as Go reads them (RE2): time is linear in the text, whatever the pattern. Compiled ones are kept,
 * because selectors meet every object of every overlay.
 */
const KEPT = 1_000;
const compiled = new Map<string, RE2JS>();

/** @throws EngineFault for a pattern that RE2 refuses */
export function compileRegex(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known) return known;
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern);
  } catch (cause) {
    throw new EngineFault(
      `${JSON.stringify(pattern)} is no regular expression: ${(cause as Error).message}`,
      undefined,
      {
        cause,
      },
    );
  }
  if (compiled.size >= KEPT) compiled.clear();
  compiled.set(pattern, regex);
  return regex;
}

/** Whether a pattern matches a whole text, as selectors of kustomize mean it; an empty pattern matches anything. */
export function anchored(pattern: string): (text: string) => boolean {
  if (pattern === '') return () => true;
  // Most patterns are plain names.
  if (/^[A-Za-z0-9_ /@-]*$/.test(pattern)) return (text) => text === pattern;
  const regex = compileRegex(`^(?:${pattern})$`);
  return (text) => regex.matcher(text).find();
}
