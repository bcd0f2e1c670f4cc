import { canonicalJson } from '#proto/canonical.ts';
import type { FieldPath } from './fieldset.ts';
import { isRecord } from './object.ts';

const SUFFIX: Record<string, bigint> = {
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  Pi: 2n ** 50n,
  Ei: 2n ** 60n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
  E: 10n ** 18n,
  '': 1n,
};
const SMALL: Record<string, number> = { m: 3, u: 6, n: 9 };
const NANO = 10n ** 9n;

/**
 * A Kubernetes quantity in billionths (`1500m` → 1.5e9), exact; undefined when the text is none. Like the API server, digits
 * beyond nano round up.
 */
export function parseQuantity(text: string | number | bigint): bigint | undefined {
  const match = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?$/.exec(
    String(text),
  );
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', unit = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction || '0');
  let numerator = digits * NANO;
  let denominator = 10n ** BigInt(fraction.length);
  if (/^[eE][+-]?[0-9]/.test(unit)) {
    const exponent = Number(unit.slice(1));
    if (exponent >= 0) numerator *= 10n ** BigInt(exponent);
    else denominator *= 10n ** BigInt(-exponent);
  } else if (unit in SMALL) denominator *= 10n ** BigInt(SMALL[unit]!);
  else numerator *= SUFFIX[unit]!;
  const value = numerator / denominator + (numerator % denominator === 0n ? 0n : 1n);
  return sign === '-' ? -value : value;
}

/** Groups whose fields are typed by Kubernetes itself; elsewhere a string is a string. */
const TYPED_GROUP = /^(|apps|batch|autoscaling|policy|.+\.k8s\.io)$/;
/** Maps whose every value is a quantity, and single fields that are one, by the elements before. */
const QUANTITY_MAPS = new Set([
  'limits',
  'requests',
  'capacity',
  'allocatable',
  'hard',
  'max',
  'min',
  'default',
  'defaultRequest',
  'maxLimitRequestRatio',
  'overhead',
]);
const QUANTITY_FIELDS = new Set(['sizeLimit', 'averageValue', 'divisor', 'storageCapacity']);
const OPAQUE_PARENTS = new Set([
  'data',
  'stringData',
  'binaryData',
  'annotations',
  'labels',
  'matchLabels',
  'nodeSelector',
]);

/** Whether the API types the value at this path as a quantity: there spelling does not matter, everywhere else it does. */
export function isQuantityField(group: string, path: FieldPath): boolean {
  if (!TYPED_GROUP.test(group)) return false;
  const names = path.filter((element) => element.startsWith('f:')).map((element) => element.slice(2));
  if (names.some((name) => OPAQUE_PARENTS.has(name))) return false;
  const last = names.at(-1) ?? '';
  return QUANTITY_FIELDS.has(last) || QUANTITY_MAPS.has(names.at(-2) ?? '');
}

/**
 * Whether two values at a path mean the same: equal JSON, or equal quantities where the API types them so (`1` and `1000m`; never
 * `1Gi` and `1G`, and never in opaque strings). Lists and maps are compared element by element.
 */
export function sameMeaning(group: string, path: FieldPath, a: unknown, b: unknown): boolean {
  if (canonicalJson(a ?? null) === canonicalJson(b ?? null)) return true;
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => sameMeaning(group, [...path, `f:${key}`], a[key], b[key]));
  }
  if (Array.isArray(a) && Array.isArray(b))
    return (
      a.length === b.length &&
      a.every((item, index) => sameMeaning(group, [...path, `i:${index}`], item, b[index]))
    );
  if (!isScalar(a) || !isScalar(b) || !isQuantityField(group, path)) return false;
  const [x, y] = [parseQuantity(a), parseQuantity(b)];
  return x !== undefined && x === y;
}

const isScalar = (value: unknown): value is string | number | bigint =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
