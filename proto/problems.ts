import type { FaultCode, SourceLocation } from './faults.ts';

/**
 * Something in the fleet repo that somebody has to mend. Errors keep what they concern at its last valid revision;
 * warnings change nothing. Problems never throw: a repository yields all of them at once.
 */
export type Problem = {
  code: FaultCode;
  severity: 'error' | 'warning';
  message: string;
  source: SourceLocation;
  /** The offending text as it stands in the file. */
  text?: string;
  /** "did you mean …" or what to do instead. */
  suggestion?: string;
  /** What the problem keeps from advancing; neither means the whole fleet when `source` is flotilla.yaml. */
  cluster?: string;
  placement?: string;
};

/** The nearest of `candidates` within a third of the word's length, by edit distance; undefined when none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Edits (a letter put in, taken out or exchanged, two neighbours swapped) from one word to the other, or `most` as soon as it cannot be fewer. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) >= most) return most;
  let above: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          row[j]! + 1,
          next[j - 1]! + 1,
          row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
          swapped ? above[j - 2]! + 1 : most,
        ),
      );
    }
    if (Math.min(...next) >= most && Math.min(...row) >= most - 1) return most;
    above = row;
    row = next;
  }
  return Math.min(row[b.length]!, most);
}

/** Order of problems for people: by file, line and column. */
export function byPlace({ source: a }: Problem, { source: b }: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
