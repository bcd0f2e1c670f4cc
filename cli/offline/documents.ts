import type { GitObjects } from '#git/objects.ts';
import { listFiles } from '#git/tree.ts';
import { DOCUMENT_FOLDERS, hidesDocuments, kindAt, looksMeant } from '#proto/documents/kinds.ts';
import { textOfEntry } from '#proto/documents/read.ts';
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
    if (isRead(name, mode)) found.push({ path: name, oid, mode });
    else if (mode === 'tree' && DOCUMENT_FOLDERS.includes(name))
      for (const file of await listFiles(objects, oid, name, signal))
        if (isRead(file.path, file.mode)) found.push(file);
  }
  const wanted = found.filter(({ path, oid, mode }) => known.get(path)?.oid !== oid && mode !== 'gitlink');
  await objects.prefetch(
    wanted.map(({ oid }) => oid),
    signal,
  );
  const files = new Map<string, DocumentFile>();
  const decoder = new TextDecoder();
  for (const { path, oid, mode } of found) {
    const same = known.get(path);
    if (same?.oid === oid) files.set(path, same);
    else {
      const content = mode === 'gitlink' ? '' : decoder.decode(await objects.readBlob(oid, signal));
      const text = textOfEntry(mode, content);
      const read = readFleetFile(path, text);
      if (read) files.set(path, { oid, text, read });
    }
  }
  return files;
}

/** What `readFleetFile` has something to say of. */
const isRead = (path: string, mode: string): boolean =>
  mode !== 'tree' && ((kindAt(path) ?? looksMeant(path)) !== undefined || hidesDocuments(path, mode));
