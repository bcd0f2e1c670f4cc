import { z } from 'zod';

/**
 * Entries of the first version as if they were of the second. It had one stage of all clusters: its lines get a stage of that name
 * (that of a placement without a strategy), from which those of a strategy take over what is passed. What waited for an approval is
 * judged anew.
 */
const STAGE = 'all';

const text = z.string();
const firstTarget = z.object({
  revision: text,
  entryRevision: text,
  digest: text,
  attempt: z.number(),
  state: text,
  since: z.number(),
  removal: text.optional(),
});
const firstCluster = z.looseObject({ v: z.literal(1), targets: z.record(text, firstTarget) });
const firstLine = z.looseObject({ v: z.literal(1), version: text, since: z.number() });

const PHASES: Readonly<Record<string, string>> = {
  Current: 'current',
  Unchanged: 'current',
  Failed: 'failed',
  Removed: 'removed',
  Applying: 'started',
  Verifying: 'started',
};

/** Anything else comes back as it is. */
export function firstVersionOf(kind: string | undefined, entry: unknown): unknown {
  if ((entry as { v?: unknown } | null | undefined)?.v !== 1) return entry;
  const cluster = kind === 'cluster' ? firstCluster.safeParse(entry).data : undefined;
  if (cluster) {
    const targets = Object.entries(cluster.targets).map(([name, one]) => [name, secondTarget(one)]);
    return { ...cluster, v: 2, targets: Object.fromEntries(targets) };
  }
  const line = kind === 'line' ? firstLine.safeParse(entry).data : undefined;
  if (!line) return entry;
  const { version, since } = line;
  const stage = { name: STAGE, passed: [version], passedAt: since, since };
  return { v: 2, stages: [stage], pauses: [], struck: [], aborted: [], pins: [], attempt: 0, ended: [] };
}

function secondTarget({ removal, state, since, digest, ...at }: z.infer<typeof firstTarget>) {
  const phase = PHASES[state] ?? 'published';
  const reached = phase === 'current' ? { currentHub: 0, reachedHub: 0 } : {};
  const revision = removal ?? at.revision;
  const isOver = removal === undefined || state === 'Removed';
  const run = {
    ...at,
    revision,
    digest: removal === undefined ? digest : null,
    purpose: 'catch-up',
    publishedHub: 0,
    phase: isOver ? phase : 'published',
    ...reached,
  };
  return { stage: STAGE, state, since, run };
}
