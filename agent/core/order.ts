/** One placement of this cluster, as far as order is concerned. */
export type Dependent = {
  dependsOn: readonly string[];
  /** Its wanted version runs and is Current. */
  ready: boolean;
};

/**
 * Whom the first installation of a placement waits for: those of its dependencies that are assigned here and not ready. A dependency
 * that waits, through others, for this very placement is not waited for: the repository forbids such circles, and should one come
 * through all the same, nobody waits for ever.
 */
export function waitsFor(placement: string, all: ReadonlyMap<string, Dependent>): string[] {
  return (all.get(placement)?.dependsOn ?? [])
    .filter((name) => name !== placement && all.get(name)?.ready === false)
    .filter((name) => !reaches(name, placement, all))
    .sort();
}

function reaches(from: string, to: string, all: ReadonlyMap<string, Dependent>): boolean {
  const seen = new Set([from]);
  for (const name of seen) {
    if (name === to) return true;
    for (const next of all.get(name)?.dependsOn ?? []) seen.add(next);
  }
  return false;
}
