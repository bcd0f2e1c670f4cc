import { EngineFault, EngineFaults, type Place } from './fault.ts';
import { locate } from './read/documents.ts';
import type { FoundFile } from './read/files.ts';
import type { Kustomization } from './read/kustomization.ts';

/** A kustomization with the directory that it stands in. */
export type Target = {
  /** The real directory, behind symlinks. */
  readonly directory: string;
  /** Undefined for the kustomization that a placement puts over an overlay. */
  readonly file: FoundFile | undefined;
  readonly fileName: string;
  readonly kustomization: Kustomization;
  /** The directory as seen from where the rendering started, by the texts that led here; only where it is asked for. */
  readonly origin: string | undefined;
  /** How many kustomizations are above. */
  readonly depth: number;
};

/** Does a part of a kustomization's work; a fault of it gets the place of the field. */
export function at<Value>(target: Target, path: readonly (string | number)[], work: () => Value): Value {
  try {
    return work();
  } catch (fault) {
    if (fault instanceof EngineFault) throw fault.placed(placeOf(target, [...path, ...(fault.path ?? [])]));
    throw fault;
  }
}

/** Does the same for each entry of a list, and then tells everything that was wrong. */
export function collect<Entry>(
  target: Target,
  field: string,
  entries: readonly Entry[],
  work: (entry: Entry) => void,
): void {
  const faults: EngineFault[] = [];
  for (const [index, entry] of entries.entries()) {
    try {
      at(target, [field, index], () => work(entry));
    } catch (fault) {
      if (!(fault instanceof EngineFault)) throw fault;
      faults.push(fault);
    }
  }
  if (faults.length === 1) throw faults[0];
  if (faults.length > 1) throw new EngineFaults(faults);
}

function placeOf({ file, directory }: Target, path: readonly (string | number)[]): Place {
  if (!file) return { file: directory };
  return { file: file.path, ...locate(file.file.bytes, path) };
}
