/**
 * The order in which go-yaml v2 writes keys (sorter.go): letters by code point and behind everything else, runs of digits as
 * numbers, so that `a2` stands before `a10`. A compare function for sort.
 */
export function compareKeys(one: string, other: string): number {
  if (one === other) return 0;
  const a = [...one];
  const b = [...other];
  for (let at = 0; at < a.length && at < b.length; at++) {
    if (a[at] !== b[at]) return compareFrom(a, b, at);
  }
  return a.length - b.length;
}

function compareFrom(a: readonly string[], b: readonly string[], at: number): number {
  const [left, right] = [a[at]!, b[at]!];
  const letters = [isLetter(left), isLetter(right)];
  if (letters[0] && letters[1]) return left.codePointAt(0)! - right.codePointAt(0)!;
  if (letters[0] || letters[1]) return letters[1] ? -1 : 1;
  // After a digit that is no zero, a zero here counts as one of the number.
  const started = (left === '0' || right === '0') && followsNumber(a, at) ? '1' : '';
  const [first, firstEnd] = numberAt(a, at, started);
  const [second, secondEnd] = numberAt(b, at, started);
  if (first !== second) return first < second ? -1 : 1;
  if (firstEnd !== secondEnd) return firstEnd - secondEnd;
  return left.codePointAt(0)! - right.codePointAt(0)!;
}

function followsNumber(characters: readonly string[], at: number): boolean {
  for (let before = at - 1; before >= 0 && isDigit(characters[before]!); before--)
    if (characters[before] !== '0') return true;
  return false;
}

/** The number that starts here, in 64 bits as there, and where it ends. */
function numberAt(characters: readonly string[], at: number, started: string): [bigint, number] {
  let end = at;
  while (end < characters.length && isDigit(characters[end]!)) end++;
  return [BigInt.asIntN(64, BigInt(`0${started}${characters.slice(at, end).join('')}`)), end];
}

const isLetter = (character: string) => /^\p{L}/u.test(character);
const isDigit = (character: string) => character >= '0' && character <= '9';
