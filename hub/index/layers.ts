import { canonicalJson } from '#proto/canonical.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { type SharedLayer, sharedLayer } from '#proto/values.ts';
import type { DocumentsInForce } from '../core/in-force.ts';

type Values = DocumentsInForce['values'];
const labelTexts = new WeakMap<Cluster, string>();

/** What Values documents give a placement on clusters of equal labels, worked out once. */
export class Layers {
  readonly #known = new Map<Values, Map<Placement, Map<string, SharedLayer>>>();

  of(values: Values, placement: Placement, cluster: Cluster): SharedLayer | undefined {
    if (values.size === 0) return undefined;
    const byLabels = this.#byLabels(values, placement);
    const key = labelsOf(cluster);
    let layer = byLabels.get(key);
    if (!layer) {
      layer = sharedLayer(values.values(), placement, cluster.metadata.labels ?? {});
      byLabels.set(key, layer);
    }
    return layer;
  }

  #byLabels(values: Values, placement: Placement): Map<string, SharedLayer> {
    let byPlacement = this.#known.get(values);
    if (!byPlacement) {
      byPlacement = new Map();
      this.#known.set(values, byPlacement);
    }
    let byLabels = byPlacement.get(placement);
    if (!byLabels) {
      byLabels = new Map();
      byPlacement.set(placement, byLabels);
    }
    return byLabels;
  }
}

function labelsOf(cluster: Cluster): string {
  let text = labelTexts.get(cluster);
  if (text === undefined) {
    text = canonicalJson(cluster.metadata.labels ?? {});
    labelTexts.set(cluster, text);
  }
  return text;
}
