import { YamlFault } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import type { JsonMap } from '../json.ts';
import { readManifests } from '../read/manifests.ts';
import type { Workshop } from './transformer.ts';

/** The objects of a text that may be inline configuration, or undefined when it is a path. */
export function inlineManifests(text: string): readonly JsonMap[] | undefined {
  if (text.trim() === '') return [];
  // A path is a plain word: most entries are decided without parsing.
  if (!/[\n:{#[]/.test(text)) return undefined;
  try {
    return readManifests(text);
  } catch (fault) {
    if (fault instanceof EngineFault || fault instanceof YamlFault) return undefined;
    throw fault;
  }
}

/** The patches of `patchesStrategicMerge`, whose entries are paths or patches themselves. */
export function strategicPatches(
  entries: readonly string[],
  { files, documents, directory }: Workshop,
): readonly JsonMap[] {
  return entries.flatMap(
    (entry) => inlineManifests(entry) ?? documents.manifests(files.read(directory, entry)),
  );
}
