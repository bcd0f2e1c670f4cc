import { z } from 'zod';
import { canonicalJson } from '#proto/canonical.ts';
import {
  type ClusterState,
  type HubState,
  type LineState,
  TARGET_STATES,
  type TargetState,
} from './types.ts';

/**
 * How hub state is stored: one entry per cluster (`cluster.<name>`: its document's state and all its targets) and one per
 * line (`line.<placement>`: its version), so that what changes together for a cluster is saved by one write and no entry
 * grows with the fleet. Version 1, a contract.
 */
const target = z.object({
  revision: z.string(),
  entryRevision: z.string(),
  digest: z.string(),
  attempt: z.int().nonnegative(),
  state: z.enum(TARGET_STATES),
  since: z.number(),
  removal: z.string().optional(),
  removalAfter: z.number().optional(),
  held: z.literal(true).optional(),
  offBranch: z.literal(true).optional(),
});
const heldRemoval = z.object({
  setHash: z.string(),
  since: z.number(),
  leaving: z.int().nonnegative(),
  left: z.int().nonnegative(),
  of: z.int().nonnegative(),
});
const clusterEntry = z.object({
  v: z.literal(1),
  epoch: z.int().nonnegative(),
  issuedAt: z.number(),
  headHash: z.string(),
  head: z.string(),
  contentHash: z.string(),
  targets: z.record(z.string(), target),
  /** Placements that left the cluster since their last approval, and when. */
  left: z.record(z.string(), z.number()).optional(),
});
const lineEntry = z.object({
  v: z.literal(1),
  version: z.string(),
  since: z.number(),
  held: heldRemoval.optional(),
});

type Line = Omit<LineState, 'left'> & {
  targets: Record<string, TargetState>;
  left?: Record<string, number>;
};

const NO_DOCUMENT: ClusterState = { epoch: 0, issuedAt: 0, headHash: '', head: '', contentHash: '' };

/** Key → JSON text. Equal states give equal texts. */
export function encodeState(state: HubState): Map<string, string> {
  const entries = new Map<string, string>();
  const targets = new Map<string, Record<string, TargetState>>();
  const left = new Map<string, Record<string, number>>();
  for (const placement of Object.keys(state.lines).sort()) {
    const { version, since, targets: of, left: gone = {}, held } = state.lines[placement]!;
    entries.set(`line.${placement}`, canonicalJson({ v: 1, version, since, held }));
    for (const [cluster, at] of Object.entries(gone)) {
      const known = left.get(cluster);
      if (known) known[placement] = at;
      else left.set(cluster, { [placement]: at });
    }
    for (const [cluster, one] of Object.entries(of)) {
      const known = targets.get(cluster);
      if (known) known[placement] = one;
      else targets.set(cluster, { [placement]: one });
    }
  }
  for (const cluster of new Set([...Object.keys(state.clusters), ...targets.keys(), ...left.keys()])) {
    const { epoch, issuedAt, headHash, head, contentHash } = state.clusters[cluster] ?? NO_DOCUMENT;
    const document = { epoch, issuedAt, headHash, head, contentHash };
    const of = { targets: targets.get(cluster) ?? {}, left: left.get(cluster) };
    entries.set(`cluster.${cluster}`, canonicalJson({ v: 1, ...document, ...of }));
  }
  return entries;
}

/**
 * Reads what `encodeState` wrote. An entry that cannot be read is left out and named in `unreadable`: the hub is then
 * without state for it, which is safe (it waits for the agent's hello).
 */
export function decodeState(entries: ReadonlyMap<string, string>): { state: HubState; unreadable: string[] } {
  const unreadable: string[] = [];
  const clusters: Record<string, ClusterState> = {};
  const lines: Record<string, Line> = {};
  const found: [cluster: string, Pick<z.infer<typeof clusterEntry>, 'targets' | 'left'>][] = [];
  for (const [key, text] of entries) {
    const [kind, name = ''] = key.split('.');
    if (kind === 'line') {
      const line = parse(lineEntry, text);
      if (!line) unreadable.push(key);
      else {
        const { version, since, held } = line;
        lines[name] = { version, since, targets: {}, ...(held && { held }) };
      }
    } else if (kind === 'cluster') {
      const entry = parse(clusterEntry, text);
      if (!entry) {
        unreadable.push(key);
        continue;
      }
      const { v: _, targets, left, ...cluster } = entry;
      if (cluster.contentHash !== '') clusters[name] = cluster;
      found.push([name, { targets, left }]);
    }
  }
  for (const [cluster, { targets, left = {} }] of found) {
    for (const [placement, { removal, removalAfter, held, offBranch, ...one }] of Object.entries(targets)) {
      // A target without its line was saved before a crash kept the line from being saved.
      lines[placement] ??= { version: one.revision, since: one.since, targets: {} };
      lines[placement].targets[cluster] = {
        ...one,
        ...(removal !== undefined && { removal }),
        ...(removalAfter !== undefined && { removalAfter }),
        ...(held && { held }),
        ...(offBranch && { offBranch }),
      };
    }
    for (const [placement, at] of Object.entries(left)) {
      const line = lines[placement];
      // Without its line there is nothing left to be measured by.
      if (line) line.left = Object.assign(line.left ?? {}, { [cluster]: at });
    }
  }
  return { state: { lines, clusters }, unreadable };
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // named in `unreadable`
  }
  return schema.safeParse(json).data;
}
