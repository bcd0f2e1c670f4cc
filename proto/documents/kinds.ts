import { access } from './access.ts';
import { cluster } from './cluster.ts';
import { fleet } from './fleet.ts';
import { placement } from './placement.ts';
import { strategy } from './strategy.ts';
import { sharedValues } from './values.ts';

/** Every kind of document, its schema and where it stands. */
export const SCHEMAS = {
  Fleet: fleet,
  Cluster: cluster,
  Placement: placement,
  Values: sharedValues,
  RolloutStrategy: strategy,
  Access: access,
} as const;
export type Kind = keyof typeof SCHEMAS;
export const KINDS = Object.keys(SCHEMAS) as Kind[];

export const FLEET_FILE = 'flotilla.yaml';
/** Among documents the Fleet is known by this name: it is the only one of its kind, whatever it calls itself. */
export const FLEET_NAME = 'fleet';
const FOLDERS: Readonly<Record<string, Kind>> = {
  clusters: 'Cluster',
  placements: 'Placement',
  values: 'Values',
  rollouts: 'RolloutStrategy',
  access: 'Access',
};

/** Directories at the root of a fleet repo in which documents stand, at any depth. */
export const DOCUMENT_FOLDERS: readonly string[] = Object.keys(FOLDERS);

/**
 * The kind that belongs at a path; undefined where no document is expected. In the five folders, at any depth, every file that
 * ends in `.yaml` is a document. Other files there (a README, an image) are nobody's business, except those that look as if they
 * were meant (`looksMeant`): leaving them out would remove in silence what they say.
 */
export function kindAt(path: string): Kind | undefined {
  if (path === FLEET_FILE) return 'Fleet';
  return path.endsWith('.yaml') ? kindOfFolder(path) : undefined;
}

/** The kind that a file was meant to be by its folder and its ending (`.yml`, `.json`, `.YAML`), though it is not read as one. */
export function looksMeant(path: string): Kind | undefined {
  if (kindAt(path) !== undefined || !/\.(ya?ml|json)$/i.test(path)) return undefined;
  return /^flotilla\.(ya?ml|json)$/i.test(path) ? 'Fleet' : kindOfFolder(path);
}

/**
 * Whether an entry of a tree stands where a directory of documents is read, or may be, and hides what is or was below it: a link, a
 * submodule, a file in place of one of the five folders. Links to other files, told by their ending, hide nothing.
 */
export function hidesDocuments(path: string, mode: string): boolean {
  if (mode === 'tree') return false;
  if (DOCUMENT_FOLDERS.includes(path)) return true;
  const isLink = mode === 'gitlink' || (mode === 'symlink' && !/\.[A-Za-z0-9]{2,}$/.test(path));
  return isLink && kindOfFolder(path) !== undefined;
}

/** The file name without its ending: what `metadata.name` must be. */
export function stemOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.(ya?ml|json)$/i, '');
}

export const isKind = (kind: string): kind is Kind => Object.hasOwn(SCHEMAS, kind);

export function kindOfFolder(path: string): Kind | undefined {
  const slash = path.indexOf('/');
  const folder = slash < 0 ? '' : path.slice(0, slash);
  return Object.hasOwn(FOLDERS, folder) ? FOLDERS[folder] : undefined;
}
