import { strategyOf } from '#proto/stages.ts';

/** Fleets of benchmarks: four rings of a hundredth, a tenth, a half and all of the clusters, one stage each. */
const RINGS = ['canary', 'early', 'broad', 'rest'];
const SHARES = [0.01, 0.1, 0.5, 1];

export const clusterName = (index: number) => `c${String(index).padStart(5, '0')}`;

/** The ring of the cluster of a number, of so many. */
export const ringOf = (index: number, clusters: number): string =>
  RINGS[SHARES.findIndex((share) => index < share * clusters)]!;

export const strategyWith = (more: object) =>
  strategyOf({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'RolloutStrategy',
    metadata: { name: 'standard' },
    spec: {
      stages: RINGS.map((ring, index) => ({
        name: ring,
        selector: index === RINGS.length - 1 ? {} : { matchLabels: { ring } },
        ...more,
      })),
      failure: { maxFailed: '2%' },
    },
  });
export const STANDARD = strategyWith({ maxConcurrent: '10%', after: [{ soak: '10m' }] });
