import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Version } from '#rollouts/facts.ts';
import type { DocumentsInForce } from '../core/in-force.ts';
import type { Contents } from './contents.ts';

/** What a placement's version reads its staged fields and content from. */
export type VersionSource = {
  readonly name: string;
  readonly tree: string;
  readonly placement: Placement;
  readonly fleet: Fleet;
  readonly values: DocumentsInForce['values'];
};

/** A version with what it is read from: nothing where the placement had been deleted. */
export type KeptVersion = Version & {
  readonly contents: Contents;
  readonly source: VersionSource | undefined;
};

/** Oldest first; neighbours differ. */
export type Kept = readonly KeptVersion[];
