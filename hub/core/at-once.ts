import { policyHash, policyOf } from '#proto/assignment.ts';
import { hashOf } from '#proto/canonical.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { IndexSnapshot } from './types.ts';

/**
 * Hash of everything that a cluster reads at the newest verified head, effective at once: its keys, mode, suspension and
 * decommission, trust, hub keys, approvals, and policy and trust of the placements named. When it changes, `head` moves.
 * Undefined when one of them cannot be read: then it is not known, and what is in force stays. Of a placement that is gone nothing
 * is read but the approvals of the Fleet.
 */
export function atOnceHash(
  index: IndexSnapshot,
  cluster: string,
  placements: readonly string[],
): string | undefined {
  const entry = index.clusters.get(cluster)?.document.spec;
  const fleet = index.fleet?.document.spec;
  if (!entry || !fleet || placements.some((name) => index.unreadable.placements.has(name))) return undefined;
  return hashOf('flotilla-at-once-v1', {
    keys: entry.agent.publicKeys,
    suspend: entry.suspend ?? false,
    mode: entry.mode ?? 'enforce',
    decommission: entry.decommission ?? null,
    trust: fleet.trust ?? null,
    hubKeys: fleet.hub?.publicKeys ?? null,
    approvals: fleet.approvals ?? [],
    placements: placements.map((name) => [name, placementHash(index, name)]),
  });
}

const ofAll = new WeakMap<IndexSnapshot, string>();

/** Hash of everything but the entry that any `atOnceHash` of this index looks at; computed once for each. */
export function atOnceOfAll(index: IndexSnapshot): string {
  let hash = ofAll.get(index);
  if (hash === undefined) {
    const fleet = index.fleet?.document.spec;
    hash = hashOf('flotilla-at-once-of-all-v1', {
      trust: fleet?.trust ?? null,
      hubKeys: fleet?.hub?.publicKeys ?? null,
      approvals: fleet?.approvals ?? [],
      placements: [...index.placements.keys()].sort().map((name) => [name, placementHash(index, name)]),
      unreadable: [...index.unreadable.placements].sort(),
    });
    ofAll.set(index, hash);
  }
  return hash;
}

/** Documents never change: the hash of a placement is computed once for every fleet document that it was read with. */
const hashes = new WeakMap<Placement, { fleet: unknown; hash: string }>();

function placementHash(index: IndexSnapshot, name: string): string | null {
  const fleet = index.fleet?.document;
  const placement = index.placements.get(name)?.document;
  if (!fleet || !placement) return null;
  const known = hashes.get(placement);
  if (known?.fleet === fleet) return known.hash;
  const hash = hashOf('flotilla-placement-at-once-v1', {
    policy: policyHash(policyOf(fleet, placement)),
    trust: placement.spec.trust ?? null,
    approvals: placement.spec.approvals ?? [],
  });
  hashes.set(placement, { fleet, hash });
  return hash;
}
