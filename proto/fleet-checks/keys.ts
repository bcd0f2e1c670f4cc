import type { Context } from './context.ts';
import { type Finding, party } from './finding.ts';

/** An agent key belongs to one cluster: of two that did not change, the first by name keeps it. */
export function* checkKeys({ clusters, changed }: Context): Iterable<Finding> {
  const owners = new Map<string, string>();
  const shared = new Map<string, string[]>();
  for (const [name, { document }] of clusters) {
    for (const key of document.spec.agent.publicKeys) {
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, name);
      else shared.set(key, [...(shared.get(key) ?? [owner]), name]);
    }
  }
  for (const [key, names] of shared) {
    const sorted = names.sort();
    const keeps = sorted.find((name) => !changed('Cluster', name)) ?? sorted[0]!;
    for (const name of sorted) {
      if (name === keeps) continue;
      const cluster = clusters.get(name)!;
      const index = cluster.document.spec.agent.publicKeys.indexOf(key);
      yield {
        code: 'key-duplicate',
        severity: 'error',
        message: `the agent key ${key} belongs to cluster ${keeps} already`,
        parties: [party('Cluster', cluster, ['spec', 'agent', 'publicKeys', index])],
      };
    }
  }
}
