import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { canonicalJson } from '#proto/canonical.ts';
import { FlotillaError } from '#proto/faults.ts';
import { type KubeObject, objectId } from '../core/object.ts';

/**
 * The rendered objects of one placement as they are kept in the cluster: gzip of canonical JSON `{v: 1, objects, renderHash, sources?}`,
 * cut into chunks. The key is a hash of the content, so that a bundle is written once and never changed.
 */
export type Rendered = {
  objects: readonly KubeObject[];
  /** Of the objects without the values of Secrets, as the hub previews it. */
  renderHash: string;
  /** The file in the repository that each object comes from, in their order; null where nobody knows. */
  sources?: readonly (string | null)[];
};

/** From ids of objects to the files they come from. */
export function sourcesOf({ objects, sources = [] }: Omit<Rendered, 'renderHash'>): Map<string, string> {
  const files = new Map<string, string>();
  for (const [index, object] of objects.entries()) {
    const file = sources[index];
    if (file) files.set(objectId(object), file);
  }
  return files;
}

/** `chunks` counts Secrets of its own; 0: it stands beside the record of its placement. */
export type BundleRef = { key: string; chunks: number };

/** A Secret holds 1 MiB and base64 adds a third. */
export const CHUNK_BYTES = 600_000;
/** Two of these and the record, of all placements that share a Secret, fit into it. */
export const INLINE_BYTES = 8_000;
const MOST_JSON_BYTES = 256 * 1024 * 1024;

/** Small bundles come as one inline chunk, larger ones cut. */
export function encodeBundle(rendered: Rendered): { ref: BundleRef; chunks: Buffer[] } {
  const bytes = gzipSync(canonicalJson({ v: 1, ...rendered }));
  const key = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  if (bytes.length <= INLINE_BYTES) return { ref: { key, chunks: 0 }, chunks: [bytes] };
  const chunks: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES)
    chunks.push(bytes.subarray(from, from + CHUNK_BYTES));
  return { ref: { key, chunks: chunks.length }, chunks };
}

/**
 * The inverse of `encodeBundle`; integers beyond 2^53 come back exact, as bigint.
 * @throws FlotillaError state-unreadable
 */
export function decodeBundle(ref: BundleRef, chunks: readonly Buffer[]): Rendered {
  const bytes = Buffer.concat(chunks);
  const key = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  if (key !== ref.key)
    throw new FlotillaError('state-unreadable', `kept objects ${ref.key} are incomplete or damaged`);
  try {
    const text = gunzipSync(bytes, { maxOutputLength: MOST_JSON_BYTES }).toString('utf8');
    const { objects, renderHash, sources } = parseExact(text) as Rendered;
    return { objects, renderHash, ...(sources && { sources }) };
  } catch (cause) {
    throw new FlotillaError('state-unreadable', `kept objects ${ref.key} cannot be read`, { cause });
  }
}

type Source = { source?: string };
type ExactReviver = (key: string, value: unknown, context: Source) => unknown;

/** JSON.parse that keeps integers which a double cannot hold. The reviver is costly and used only where digits are many. */
function parseExact(text: string): unknown {
  if (!/[0-9]{16}/.test(text)) return JSON.parse(text);
  const exact: ExactReviver = (_, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?[0-9]+$/.test(source ?? '')
      ? BigInt(source!)
      : value;
  return JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]);
}
