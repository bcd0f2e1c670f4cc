import type { z } from 'zod';
import { withoutSeeds } from '../nkey.ts';
import { didYouMean, type Problem } from '../problems.ts';
import type { Positions, Token } from './positions.ts';

/** A document that failed, and what is known of it. */
type Failed = {
  file: string;
  schema: z.ZodType;
  /** Fields that the design keeps free, as `spec.source`. */
  reserved: readonly string[];
  value: unknown;
  positions: Positions;
};
type More = Partial<Pick<Problem, 'code' | 'suggestion'>> & { secret?: boolean };

/** A problem at a token of a file. Seeds are never repeated, wherever they stand. */
export function problemAt(file: string, token: Token, message: string, more: More = {}): Problem {
  const { secret = false, code = 'document-invalid', suggestion } = more;
  const { line, column, text } = token;
  const clean = withoutSeeds(text);
  return {
    code,
    severity: 'error',
    message: withoutSeeds(`${file}:${line}:${column}: ${message}`),
    source: { file, line, column },
    ...(text !== '' && !secret && clean === text && { text }),
    ...(suggestion !== undefined && { suggestion: withoutSeeds(suggestion) }),
  };
}

/** `; did you mean …?` where something is near. */
export const meant = (near: string | undefined): string =>
  near === undefined ? '' : `; did you mean ${near}?`;

/** A schema issue in words, at the offending key or value; unknown keys become one problem each. */
export function explain(issue: z.core.$ZodIssue, failed: Failed): Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, issue.path, failed));
  const { file, positions, value } = failed;
  const field = fieldOf(issue.path);
  if (issue.code === 'invalid_key') {
    const key = String(issue.path.at(-1));
    const why = issue.issues[0]?.message ?? issue.message;
    return [
      problemAt(
        file,
        positions.at(issue.path, 'key'),
        `key ${key} of ${fieldOf(issue.path.slice(0, -1))}: ${why}`,
      ),
    ];
  }
  const offending = valueAt(value, issue.path);
  const token = positions.at(issue.path);
  if (issue.path.length === 0 && (offending ?? null) === null)
    return [problemAt(file, token, 'the document is empty')];
  if (offending === undefined) return [problemAt(file, token, `${field} is missing`)];
  const params = (issue as { params?: { fault?: Problem['code']; secret?: boolean; suggestion?: string } })
    .params;
  const more: More = {
    ...(params?.fault && { code: params.fault }),
    ...(params?.secret && { secret: true }),
    ...suggested(issue, offending, token, params?.suggestion),
  };
  const subject = issue.path.length === 0 ? 'the document' : field;
  const said = more.suggestion === undefined ? '' : `; did you mean ${more.suggestion}?`;
  const wrongKey = issue.code === 'invalid_type' && issue.path.includes('publicKeys');
  return [
    problemAt(file, token, `${subject}: ${inWords(issue, offending)}${said}`, {
      ...(wrongKey && { code: 'key-invalid' }),
      ...more,
    }),
  ];
}

function unknownKey(
  key: string,
  path: readonly PropertyKey[],
  { file, schema, reserved, value, positions }: Failed,
): Problem {
  const token = positions.at([...path, key], 'key');
  const field = fieldOf([...path, key]);
  if (path.length === 0 && key === 'sops') {
    const message = 'is encrypted with SOPS; documents of the fleet hold no secrets and are never decrypted';
    return problemAt(file, token, message, { code: 'document-encrypted' });
  }
  if (reserved.includes(field)) {
    return problemAt(file, token, `${field} is reserved for a later version; nothing would act on it`, {
      code: 'field-reserved',
    });
  }
  const shape = shapeAt(schema, path);
  const present = new Set(Object.keys((valueAt(value, path) ?? {}) as object));
  const near =
    didYouMean(
      key,
      Object.keys(shape ?? {}).filter((known) => !present.has(known)),
    ) ?? elsewhere(schema, key);
  return problemAt(
    file,
    token,
    `unknown key ${field}${meant(near)}`,
    near === undefined ? {} : { suggestion: near },
  );
}

function suggested(issue: z.core.$ZodIssue, offending: unknown, token: Token, own: string | undefined): More {
  if (own !== undefined) return { suggestion: own };
  if (issue.code === 'invalid_value') {
    const near = typeof offending === 'string' ? didYouMean(offending, issue.values.map(String)) : undefined;
    return near === undefined ? {} : { suggestion: near };
  }
  const scalar = typeof offending === 'number' || typeof offending === 'boolean';
  if (
    issue.code === 'invalid_type' &&
    !hasOwnWords(issue) &&
    issue.expected === 'string' &&
    scalar &&
    token.text !== ''
  )
    return { suggestion: JSON.stringify(token.text) };
  return {};
}

/** The schema says itself what is wrong, where it would else be told by type or bound. */
const hasOwnWords = ({ message }: z.core.$ZodIssue): boolean =>
  !/^(Invalid input|Too (small|big)):/.test(message);

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
};

function inWords(issue: z.core.$ZodIssue, offending: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const is = offending === null ? 'null' : Array.isArray(offending) ? 'array' : typeof offending;
      const has = is === 'boolean' ? String(offending) : (WORDS[is] ?? is);
      const takes = WORDS[issue.expected] ?? issue.expected;
      if (issue.expected === 'int' && is === 'number') return `takes ${takes}`;
      return hasOwnWords(issue) || takes === has ? issue.message : `takes ${takes}, has ${has}`;
    }
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string' || hasOwnWords(issue)) return issue.message;
      return issue.origin === 'array'
        ? `needs at least ${issue.minimum}`
        : `must be at least ${Number(issue.minimum) + (issue.inclusive ? 0 : 1)}`;
    case 'too_big':
      if (hasOwnWords(issue)) return issue.message;
      return issue.origin === 'array' ? `takes at most ${issue.maximum}` : `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** The fields that the schema knows at a path of the document. */
function shapeAt(schema: unknown, path: readonly PropertyKey[]): Record<string, unknown> | undefined {
  let at: unknown = schema;
  for (const part of path) at = step(unwrap(at), part);
  return (unwrap(at) as { shape?: Record<string, unknown> } | undefined)?.shape;
}

/** Where else in the document a field of this name would belong: the whole way to it. */
function elsewhere(schema: unknown, key: string, way: readonly string[] = []): string | undefined {
  const shape = (unwrap(schema) as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
  if (Object.hasOwn(shape, key)) return [...way, key].join('.');
  for (const [name, inner] of Object.entries(shape)) {
    const found = elsewhere(inner, key, [...way, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unwrap(schema: unknown): unknown {
  let inner = schema as { unwrap?: () => unknown; def?: { type?: string } } | undefined;
  while (inner?.def?.type === 'optional' && inner.unwrap) inner = inner.unwrap() as typeof inner;
  return inner;
}

function step(schema: unknown, part: PropertyKey): unknown {
  const { shape, element, valueType } = (schema ?? {}) as {
    shape?: Record<PropertyKey, unknown>;
    element?: unknown;
    valueType?: unknown;
  };
  return shape?.[part] ?? element ?? valueType;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, part)
        ? (inner as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  );
}

/** `spec.stages[1].name`. */
function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part),
    '',
  );
}
