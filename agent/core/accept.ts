import { canonicalJson } from '#proto/canonical.ts';
import { openDesired } from '#proto/envelope.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { DesiredPayload } from '#proto/messages.ts';

/** What a document is judged against. */
export type Standing = {
  cluster: string;
  /** Public keys that may sign. */
  trustedKeys: readonly string[];
  /** The document in force. */
  inForce: DesiredPayload | undefined;
};

/**
 * Judges a desired document by itself: signature, cluster, epoch. Whether its revisions are on the branch is judged in Git
 * afterwards. `same`: it is the one in force, come again.
 *
 * Laws: the epoch in force never falls; one epoch has one content; whatever comes in, only a FlotillaError is thrown.
 * @throws FlotillaError desired-malformed, desired-version-unknown, desired-unknown-key, desired-bad-signature,
 *   desired-wrong-cluster, desired-old-epoch
 */
export function judgeDesired(
  envelope: string,
  standing: Standing,
): { verdict: 'new' | 'same'; document: DesiredPayload } {
  const document = openDesired(envelope, standing.trustedKeys);
  const { cluster, epoch } = document;
  if (cluster !== standing.cluster) {
    throw new FlotillaError(
      'desired-wrong-cluster',
      `desired document is for cluster ${cluster}, this is ${standing.cluster}`,
    );
  }
  const last = standing.inForce?.epoch ?? 0;
  if (epoch < last)
    throw new FlotillaError(
      'desired-old-epoch',
      `desired document has epoch ${epoch}, epoch ${last} is in force`,
    );
  if (!standing.inForce || epoch > last) return { verdict: 'new', document };
  if (sameContent(document, standing.inForce)) return { verdict: 'same', document };
  throw new FlotillaError(
    'desired-old-epoch',
    `desired document has epoch ${epoch} again, with other content`,
  );
}

function sameContent(a: DesiredPayload, b: DesiredPayload): boolean {
  return canonicalJson({ ...a, issuedAt: '' }) === canonicalJson({ ...b, issuedAt: '' });
}

/** Every revision that a document names, each once: all must be on the branch. */
export function revisionsOf(document: DesiredPayload): string[] {
  const named = [
    document.head,
    ...document.assignments.flatMap(({ revision, entryRevision }) => [revision, entryRevision]),
    ...document.removed.flatMap(({ revision, entryRevision = revision }) => [revision, entryRevision]),
  ];
  return [...new Set(named)];
}

/** Whether a hold of the document covers a placement at this moment; `now` in Unix ms. */
export function isHeld(document: DesiredPayload | undefined, placement: string, now: number): boolean {
  const hold = document?.hold;
  if (!hold || Date.parse(hold.until) <= now) return false;
  return hold.placements === undefined || hold.placements.includes(placement);
}
