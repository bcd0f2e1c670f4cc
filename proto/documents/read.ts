import {
  isMap,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type Document as YamlDocument,
} from 'yaml';
import type { z } from 'zod';
import { LIMITS } from '../limits.ts';
import { didYouMean, type Problem } from '../problems.ts';
import { type Cluster, cluster } from './cluster.ts';
import { type Fleet, fleet } from './fleet.ts';
import { type Placement, placement } from './placement.ts';

/**
 * Text of one file of the fleet repo → a document, or everything that is wrong with it, each with line and column.
 * Where in the repository a kind belongs is decided here too: a file elsewhere is no document.
 */
export type FleetDocument =
  | { kind: 'Fleet'; file: string; document: Fleet; locate: Locate }
  | { kind: 'Cluster'; file: string; document: Cluster; locate: Locate }
  | { kind: 'Placement'; file: string; document: Placement; locate: Locate };

/** Line and column of a path inside the document, for problems found later. */
export type Locate = (path: readonly PropertyKey[]) => { file: string; line: number; column: number };
export type ReadResult = { read: FleetDocument } | { problems: Problem[] };

const SCHEMAS = { Fleet: fleet, Cluster: cluster, Placement: placement } as const;
type Kind = keyof typeof SCHEMAS;

/** The kind that belongs at a path; undefined where no document is expected. Kinds without a schema yet are named too. */
export function kindAt(path: string): string | undefined {
  if (path === 'flotilla.yaml') return 'Fleet';
  const [folder] = path.split('/', 1);
  if (!path.endsWith('.yaml') || !path.includes('/')) return undefined;
  const kinds: Record<string, string> = {
    clusters: 'Cluster',
    placements: 'Placement',
    values: 'Values',
    rollouts: 'RolloutStrategy',
    access: 'Access',
  };
  return Object.hasOwn(kinds, folder!) ? kinds[folder!] : undefined;
}

export function readDocument(file: string, text: string): ReadResult {
  const expected = kindAt(file);
  const at = (line: number, column: number) => ({ file, line, column });
  const fail = (
    code: Problem['code'],
    message: string,
    source: Problem['source'],
    more: Partial<Problem> = {},
  ): ReadResult => ({
    problems: [{ code, severity: 'error', message, source, ...more }],
  });
  if (text.length > LIMITS.documentBytes) {
    return fail('document-invalid', `${file} is larger than ${LIMITS.documentBytes} bytes`, at(1, 1));
  }
  if (expected === undefined || !Object.hasOwn(SCHEMAS, expected)) {
    return {
      problems: [
        {
          code: 'document-kind-unsupported',
          severity: 'warning',
          message: `${file}: kind ${expected ?? 'unknown'} is not read by this version; nothing of it is in force`,
          source: at(1, 1),
        },
      ],
    };
  }
  const lines = new LineCounter();
  const yaml = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    uniqueKeys: true,
    prettyErrors: false,
  });
  if (yaml.errors.length > 0) {
    // Only the first: what follows a syntax error in a file is mostly its echo.
    return {
      problems: yaml.errors.slice(0, 1).map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        const several = error.code === 'MULTIPLE_DOCS' ? 'one document per file' : undefined;
        return {
          code: 'document-syntax',
          severity: 'error',
          message: `${file}:${line}:${col}: ${several ?? error.message.split('\n')[0]}`,
          source: at(line, col),
          text: text.slice(error.pos[0], error.pos[1]).slice(0, 80),
        };
      }),
    };
  }
  const locate: Locate = (path) => {
    const offset = nodeAt(yaml, path)?.range?.[0] ?? 0;
    const { line, col } = lines.linePos(offset);
    return at(line, col);
  };
  const value: unknown = yaml.toJS({ maxAliasCount: 100 });
  const kind = (value as { kind?: unknown } | null)?.kind;
  if (kind !== undefined && kind !== expected && typeof kind === 'string') {
    return fail(
      'document-misplaced',
      `${file} holds kind ${kind}, but kind ${expected} belongs there`,
      locate(['kind']),
      {
        text: kind,
      },
    );
  }
  const read = SCHEMAS[expected as Kind].safeParse(value);
  if (!read.success)
    return { problems: read.error.issues.flatMap((issue) => explain(issue, file, value, yaml, lines)) };
  const { name } = read.data.metadata;
  const stem = file.slice(file.lastIndexOf('/') + 1, -'.yaml'.length);
  if (expected !== 'Fleet' && name !== stem) {
    return fail(
      'document-misnamed',
      `${file}: metadata.name is ${name}, but the file is named ${stem}`,
      locate(['metadata', 'name']),
      {
        text: name,
      },
    );
  }
  return { read: { kind: expected, file, document: read.data, locate } as FleetDocument };
}

/** A schema issue in words, at the offending key or value; unknown keys become one problem each. */
function explain(
  issue: z.core.$ZodIssue,
  file: string,
  value: unknown,
  yaml: YamlDocument,
  lines: LineCounter,
): Problem[] {
  const field = issue.path.map(String).join('.');
  const problem = (message: string, node: Node | undefined, more: Partial<Problem> = {}): Problem => {
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return {
      code: 'document-invalid',
      severity: 'error',
      message: `${file}:${line}:${col}: ${message}`,
      source: { file, line, column: col },
      ...more,
    };
  };
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(value, issue.path, file);
    return issue.keys.map((key) => {
      const near = didYouMean(key, known);
      return problem(
        `unknown key ${[field, key].filter(Boolean).join('.')}${near ? `; did you mean ${near}?` : ''}`,
        keyNode(yaml, issue.path, key),
        {
          text: key,
          ...(near && { suggestion: near }),
        },
      );
    });
  }
  const offending = valueAt(value, issue.path);
  const near =
    issue.code === 'invalid_value' && typeof offending === 'string'
      ? didYouMean(offending, issue.values.map(String))
      : undefined;
  const missing = offending === undefined;
  const secret = (issue as { params?: { secret?: boolean } }).params?.secret === true;
  const what = missing
    ? `${field || 'the document'} is missing`
    : `${field}: ${issue.message}${near ? `; did you mean ${near}?` : ''}`;
  const isKey = issue.path.includes('publicKeys');
  return [
    problem(what, nodeAt(yaml, issue.path), {
      ...(isKey && { code: 'key-invalid' }),
      ...(issue.path.at(-1) === 'path' && issue.message.startsWith('leads out') && { code: 'path-escapes' }),
      ...(typeof offending === 'string' && !secret && { text: offending.slice(0, 80) }),
      ...(near && { suggestion: near }),
    }),
  ];
}

/** The keys that the schema allows at a path of the document. */
function knownKeys(value: unknown, path: readonly PropertyKey[], file: string): string[] {
  let schema: unknown = SCHEMAS[kindAt(file) as Kind];
  for (const part of path) schema = step(unwrap(schema), part);
  const shape = (unwrap(schema) as { shape?: object } | undefined)?.shape;
  const present = new Set(Object.keys((valueAt(value, path) ?? {}) as object));
  return Object.keys(shape ?? {}).filter((key) => !present.has(key));
}

function unwrap(schema: unknown): unknown {
  let inner = schema as { unwrap?: () => unknown; element?: unknown; def?: { type?: string } } | undefined;
  while (inner && inner.def?.type === 'optional' && inner.unwrap) inner = inner.unwrap() as typeof inner;
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
    (inner, part) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[part],
    value,
  );
}

/** The node at a path, or the nearest one above it that exists. */
function nodeAt(yaml: YamlDocument, path: readonly PropertyKey[]): ParsedNode | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = yaml.getIn(path.slice(0, length), true);
    if (node) return node as ParsedNode;
  }
  return (yaml.contents as ParsedNode | null) ?? undefined;
}

function keyNode(yaml: YamlDocument, path: readonly PropertyKey[], key: string): Node | undefined {
  const map = path.length === 0 ? yaml.contents : yaml.getIn(path, true);
  if (!isMap(map)) return nodeAt(yaml, path);
  const pair = map.items.find((item) => String((item.key as { value?: unknown }).value) === key);
  return (pair?.key as Node | undefined) ?? nodeAt(yaml, path);
}
