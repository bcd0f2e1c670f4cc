import type { GitObjects } from '#git/objects.ts';
import { listFiles } from '#git/tree.ts';
import { DOCUMENT_FOLDERS } from '#proto/documents/kinds.ts';
import { textOfLink } from '#proto/documents/read.ts';
import { type FleetFile, readFleetFile } from '#proto/fleet-model.ts';

/** A file of the fleet repo where a document stands or was meant to stand. */
export type DocumentFile = { readonly oid: string; readonly text: string; readonly read: FleetFile };

/** By path. */
export type DocumentFiles = ReadonlyMap<string, DocumentFile>;

/** Reads every document of a tree. Those that `known` has with the same content are not read again. */
export async function readDocuments(
  objects: GitObjects,
  tree: string,
  known: DocumentFiles,
  signal: AbortSignal,
): Promise<DocumentFiles> {
  const found: { path: string; oid: string; mode: string }[] = [];
  for (const { name, mode, oid } of await objects.readTree(tree, signal)) {
    if (isFile(mode)) found.push({ path: name, oid, mode });
    else if (mode === 'tree' && DOCUMENT_FOLDERS.includes(name))
      for (const file of await listFiles(objects, oid, name, signal)) if (isFile(file.mode)) found.push(file);
  }
  const wanted = found.filter(({ path, oid }) => known.get(path)?.oid !== oid && isMeant(path));
  await objects.prefetch(
    wanted.map(({ oid }) => oid),
    signal,
  );
  const files = new Map<string, DocumentFile>();
  const decoder = new TextDecoder();
  for (const { path, oid, mode } of found) {
    const same = known.get(path);
    if (same?.oid === oid) files.set(path, same);
    else if (isMeant(path)) {
      const content = decoder.decode(await objects.readBlob(oid, signal));
      const text = mode === 'symlink' ? textOfLink(content) : content;
      const read = readFleetFile(path, text);
      if (read) files.set(path, { oid, text, read });
    }
  }
  return files;
}

const isFile = (mode: string) => mode !== 'tree' && mode !== 'gitlink';
/** What `readFleetFile` looks at by its name ends like this. */
const isMeant = (path: string) => /\.(ya?ml|json)$/i.test(path);
