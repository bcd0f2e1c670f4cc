const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE]i)|([numkMGTPE]|)|[eE]([+-]?\d+))$/;
const NANO = 10n ** 9n;

/**
 * The canonical spelling of a resource quantity (apimachinery, api/resource): no fraction, the largest suffix that
 * allows it, the family of suffixes as given; finer than nano is rounded up. Undefined when it is no quantity.
 */
export function canonicalQuantity(text: string): string | undefined {
  const match = PATTERN.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', binary, decimal, exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction || '0');
  const power = exponent !== undefined ? Number(exponent) : (DECIMAL[decimal ?? ''] ?? 0);
  const factor = binary ? 1024n ** BigInt(BINARY.indexOf(binary)) : 1n;
  const nanos = scaled(digits * factor * NANO, power - fraction.length);
  if (nanos === 0n) return '0';
  const minus = sign === '-' ? '-' : '';
  if (binary && nanos % NANO === 0n && nanos / NANO >= 1024n) return minus + inBinary(nanos / NANO);
  return minus + (exponent !== undefined ? inExponent(nanos) : inDecimal(nanos));
}

/** value × 10^power, rounded away from zero. */
function scaled(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return (value + divisor - 1n) / divisor;
}

function inBinary(value: bigint): string {
  let index = 0;
  let rest = value;
  while (rest % 1024n === 0n && index < BINARY.length - 1) {
    rest /= 1024n;
    index++;
  }
  return `${rest}${BINARY[index]}`;
}

function largestPower(nanos: bigint): [bigint, number] {
  let rest = nanos;
  let power = -9;
  while (rest % 1000n === 0n && power < 18) {
    rest /= 1000n;
    power += 3;
  }
  return [rest, power];
}

function inDecimal(nanos: bigint): string {
  const [rest, power] = largestPower(nanos);
  return `${rest}${Object.entries(DECIMAL).find(([, p]) => p === power)?.[0] ?? ''}`;
}

function inExponent(nanos: bigint): string {
  const [rest, power] = largestPower(nanos);
  return power === 0 ? `${rest}` : `${rest}e${power}`;
}
