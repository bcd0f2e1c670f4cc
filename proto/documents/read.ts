import type { z } from 'zod';
import { LIMITS } from '../limits.ts';
import { didYouMean, type Problem } from '../problems.ts';
import { readQuick } from '../yaml/quick.ts';
import type { Access } from './access.ts';
import type { Cluster } from './cluster.ts';
import { API_VERSION, dnsLabel } from './common.ts';
import { explain, meant, problemAt } from './explain.ts';
import type { Fleet } from './fleet.ts';
import {
  DOCUMENT_FOLDERS,
  isKind,
  KINDS,
  type Kind,
  kindAt,
  kindOfFolder,
  looksMeant,
  SCHEMAS,
  stemOf,
} from './kinds.ts';
import type { Placement } from './placement.ts';
import { type Part, Positions } from './positions.ts';
import type { RolloutStrategy } from './strategy.ts';
import type { SharedValues } from './values.ts';

export { kindAt } from './kinds.ts';

/**
 * Text of one file of the fleet repo → a document, or everything that is wrong with it, each with line and column.
 * Where in the repository a kind belongs is decided by `kindAt`: a file elsewhere is no document.
 */
export type FleetDocument =
  | ({ kind: 'Fleet' } & Sourced<Fleet>)
  | ({ kind: 'Cluster' } & Sourced<Cluster>)
  | ({ kind: 'Placement' } & Sourced<Placement>)
  | ({ kind: 'Values' } & Sourced<SharedValues>)
  | ({ kind: 'RolloutStrategy' } & Sourced<RolloutStrategy>)
  | ({ kind: 'Access' } & Sourced<Access>);

/** A document with the file it stands in. Where things stand in it is found only when asked: that reads the text again. */
export type Sourced<T> = {
  file: string;
  document: T;
  locate: Locate;
  /** What stands at a path, as written: its first line, at most 80 letters. */
  quote: (path: readonly PropertyKey[], part?: Part) => string;
};

/** Line and column of a path inside the document, for problems found later. */
export type Locate = (
  path: readonly PropertyKey[],
  part?: Part,
) => { file: string; line: number; column: number };

/** A document that is missed as long as a file is wrong: by its place, and by what it says of itself. */
export type Claim = { kind: Kind; name: string };
export type ReadResult =
  | { read: FleetDocument; warnings?: Problem[] }
  | {
      problems: Problem[];
      claims?: Claim[];
      /** It is no document, but hides those that are or were below its path. */
      hides?: true;
    };

/** Places in a document whose numbers are values, so that their spelling may matter. */
const VALUES: Partial<Record<Kind, readonly (readonly string[])[]>> = {
  Cluster: [
    ['spec', 'values'],
    ['spec', 'placementValues'],
  ],
  Placement: [['spec', 'values', 'optional']],
  Values: [['spec', 'values']],
};

/** Fields that the design keeps free, by kind and place. */
const RESERVED: Partial<Record<Kind, readonly string[]>> = { Placement: ['spec.source', 'spec.decryption'] };

const LINK = 'a symlink to ';
const SUBMODULE = 'a submodule';

/**
 * Text of what is no file in the place of a document, or of a directory of them: it is refused as no file is, so that what stood there
 * is held, and not taken for removed.
 */
export const textOfEntry = (mode: string, content: string): string =>
  mode === 'symlink' ? `${LINK}${content}` : mode === 'gitlink' ? SUBMODULE : content;

const linkIn = (text: string): string | undefined =>
  text.startsWith(LINK) ? 'a symlink' : text === SUBMODULE ? SUBMODULE : undefined;

/** What stands in the place of a directory of documents; see `hidesDocuments`. Undefined for other files that are no document. */
export function readHiding(file: string, text: string): ReadResult | undefined {
  const link = linkIn(text);
  const isFolder = DOCUMENT_FOLDERS.includes(file);
  if (!isFolder && (link === undefined || kindOfFolder(file) === undefined)) return undefined;
  const what = link ?? 'a file';
  const message = `is ${what}: documents are read from directories of this repository alone; what was read from below it stays as it was`;
  return { problems: [problemAt(file, { line: 1, column: 1, text: '' }, message)], hides: true };
}

/** Reads one file. Never throws for what a text says. A repository is read file by file; `fleet-model.ts` puts it together. */
export function readDocument(file: string, text: string): ReadResult {
  const kind = kindAt(file) ?? looksMeant(file);
  if (kind === undefined) return refuse([notRead(file)], []);
  const byPlace: Claim = { kind, name: stemOf(file) };
  if (text.length > LIMITS.documentBytes) {
    const token = { line: 1, column: 1, text: '' };
    return refuse([problemAt(file, token, `is larger than ${LIMITS.documentBytes} bytes`)], [byPlace]);
  }
  const link = linkIn(text);
  if (link !== undefined) {
    const token = { line: 1, column: 1, text: '' };
    return refuse([problemAt(file, token, `is ${link}: documents are plain files`)], [byPlace]);
  }
  const quick = readQuick(text);
  const fault = quick ? undefined : positionsOf(text).fault;
  const value = quick ? quick.value : positionsOf(text).value;
  const claims = [
    byPlace,
    ...claimedBy(value).filter((own) => own.kind !== kind || own.name !== byPlace.name),
  ];
  if (kindAt(file) === undefined) return refuse([wrongEnding(file)], claims);
  if (fault)
    return refuse([problemAt(file, fault.token, fault.message, { code: 'document-syntax' })], claims);
  const foreign = checkKind(file, kind, value, text);
  if (foreign) return refuse([foreign], claims);
  const result = SCHEMAS[kind].safeParse(value) as z.ZodSafeParseResult<FleetDocument['document']>;
  if (!result.success) {
    const reserved = RESERVED[kind] ?? [];
    const failed = { file, schema: SCHEMAS[kind], reserved, value, positions: positionsOf(text) };
    const problems = withoutEchoes(result.error.issues).flatMap((issue) => explain(issue, failed));
    // What is encrypted makes no sense anywhere: everything else is its echo.
    const encrypted = problems.filter(({ code }) => code === 'document-encrypted');
    return refuse(encrypted.length > 0 ? encrypted : problems, claims);
  }
  const document = result.data;
  const { name } = document.metadata;
  if (kind !== 'Fleet' && name !== byPlace.name) {
    const message = `metadata.name is ${name}, but the file is named ${byPlace.name}`;
    const problem = problemAt(file, positionsOf(text).at(['metadata', 'name']), message, {
      code: 'document-misnamed',
    });
    return refuse([problem], claims);
  }
  const spelling = quick ? [] : checkNumbers(file, kind, text);
  if (spelling.some(({ severity }) => severity === 'error')) return refuse(spelling, claims);
  const read = documentOf(file, text, document);
  return spelling.length > 0 ? { read, warnings: spelling } : { read };
}

/** A document that was read from this text before, for who kept both. */
export function documentOf(file: string, text: string, document: FleetDocument['document']): FleetDocument {
  const locate: Locate = (path, part) => {
    const { line, column } = positionsOf(text).at(path, part);
    return { file, line, column };
  };
  const quote = (path: readonly PropertyKey[], part?: Part) => positionsOf(text).at(path, part).text;
  return { kind: document.kind, file, document, locate, quote } as FleetDocument;
}

/** Problems of one document are asked for in a row, so that the last text parsed is the one that counts. */
let latest: { text: string; positions: Positions } | undefined;
function positionsOf(text: string): Positions {
  if (latest?.text !== text) latest = { text, positions: new Positions(text) };
  return latest.positions;
}

/** Where a map has unknown keys, what else is said of it as a whole is mostly for want of the right ones. */
function withoutEchoes(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const unknown = new Set(
    issues.filter(({ code }) => code === 'unrecognized_keys').map(({ path }) => path.join('.')),
  );
  return issues.filter(({ code, path }) => code !== 'custom' || !unknown.has(path.join('.')));
}

const refuse = (problems: Problem[], claims: Claim[]): ReadResult => ({ problems, claims });

/** What a document says that it is, as far as that can be made out. */
function claimedBy(value: unknown): Claim[] {
  const { kind, metadata } = (value ?? {}) as { kind?: unknown; metadata?: { name?: unknown } | null };
  const name = dnsLabel.safeParse(metadata?.name);
  return typeof kind === 'string' && isKind(kind) && name.success ? [{ kind, name: name.data }] : [];
}

/** A kind that does not belong at the place, or an API version that is not this program's. */
function checkKind(file: string, expected: Kind, value: unknown, text: string): Problem | undefined {
  const { kind, apiVersion } = (value ?? {}) as { kind?: unknown; apiVersion?: unknown };
  const near = typeof kind === 'string' && !isKind(kind) ? didYouMean(kind, KINDS) : undefined;
  if (typeof kind === 'string' && kind !== expected && near !== expected) {
    const message = `holds kind ${kind}, but kind ${expected} belongs there${meant(near)}`;
    return problemAt(file, positionsOf(text).at(['kind']), message, {
      code: 'document-misplaced',
      ...(near !== undefined && { suggestion: near }),
    });
  }
  if (typeof apiVersion === 'string' && /^flotilla\.dev\/v/.test(apiVersion) && apiVersion !== API_VERSION) {
    const message = `apiVersion ${apiVersion} is not read by this version${meant(API_VERSION)}`;
    return problemAt(file, positionsOf(text).at(['apiVersion']), message, {
      code: 'document-kind-unsupported',
      suggestion: API_VERSION,
    });
  }
  return undefined;
}

/** Values whose digits YAML does not keep. */
function checkNumbers(file: string, kind: Kind, text: string): Problem[] {
  return (VALUES[kind] ?? []).flatMap((place) =>
    positionsOf(text)
      .respelled(place)
      .map(({ path, token, value }) => {
        const lost = Number.isInteger(value) && !Number.isSafeInteger(value);
        const why = lost ? 'has more digits than a number keeps' : `is read as the number ${value}`;
        const quoted = JSON.stringify(token.text);
        const message = `${path.join('.')}: ${token.text} ${why}; write ${quoted} to keep it`;
        const problem = problemAt(file, token, message, { code: 'value-respelled', suggestion: quoted });
        return lost ? problem : { ...problem, severity: 'warning' };
      }),
  );
}

function wrongEnding(file: string): Problem {
  const name = file.replace(/\.[^.]*$/, '.yaml');
  const message = `is not read: documents end in .yaml${meant(name)}`;
  const token = { line: 1, column: 1, text: '' };
  return problemAt(file, token, message, { code: 'document-extension', suggestion: name });
}

function notRead(file: string): Problem {
  const source = { file, line: 1, column: 1 };
  const message = `${file}: no document is read from here; nothing of it is in force`;
  return { code: 'document-kind-unsupported', severity: 'warning', message, source };
}
