import { EXIT } from '../exit.ts';
import { labelCheck } from '../known-labels.ts';
import { printList, type Shape } from '../output/print.ts';
import { age, counted, valueText } from '../output/words.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue, formatOf, outputFlag, refuseWords, SELECTOR } from './common.ts';

const QUERY = `query Drift($filter: DriftFilter, $after: String) {
  drift(filter: $filter, first: 100, after: $after) {
    nodes {
      assignment { cluster { name } placement { name } }
      resource { apiVersion kind namespace name }
      path kind desired live manager operation changedAt firstSeen redacted healable subresource fight
    }
    ${PAGE_INFO}
  }
}`;
const SILENT = `query NotConnected($clusters: ClusterFilter!) {
  clusters(filter: $clusters, first: 1) { totalCount }
}`;

type Node = {
  assignment: { cluster: { name: string }; placement: { name: string } };
  resource: { apiVersion: string; kind: string; namespace: string | null; name: string };
  path: string;
  kind: 'CHANGED' | 'MISSING' | 'EXTRA';
  desired: unknown;
  live: unknown;
  manager: string | null;
  operation: string | null;
  changedAt: string | null;
  firstSeen: string;
  redacted: boolean;
  healable: boolean;
  subresource: string | null;
  fight: boolean;
};
export type DriftItem = Omit<Node, 'assignment'> & { cluster: string; placement: string };

const objectOf = ({ resource: { kind, namespace, name } }: DriftItem) =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name}`;

/** Which way a field went; what is redacted shows that it is, never what. */
function changeOf({ kind, desired, live, redacted }: DriftItem): string {
  if (redacted) return '(redacted)';
  switch (kind) {
    case 'CHANGED':
      return `${valueText(desired)} → ${valueText(live)}`;
    case 'MISSING':
      return `${valueText(desired)} → (missing)`;
    case 'EXTRA':
      return `(not in Git) → ${valueText(live)}`;
  }
}

const shapeAt = (now: number): Shape<DriftItem> => ({
  name: ({ cluster, resource, path }) =>
    `drift/${cluster}/${resource.kind}/${resource.namespace ?? ''}/${resource.name}${path}`,
  columns: [
    ['CLUSTER', ({ cluster }) => cluster],
    ['OBJECT', objectOf],
    ['FIELD', ({ path }) => path || '(whole object)'],
    ['DESIRED → LIVE', changeOf],
    ['WHO', ({ manager, fight }) => `${manager ?? 'unknown'}${fight ? ' (fights back)' : ''}`],
    ['WHEN', ({ changedAt, firstSeen }) => age(changedAt ?? firstSeen, now)],
  ],
  wide: [
    ['PLACEMENT', ({ placement }) => placement],
    ['KIND', ({ kind }) => kind],
    [
      'OPERATION',
      ({ operation, subresource }) => `${operation ?? '-'}${subresource ? ` ${subresource}` : ''}`,
    ],
    ['SEEN', ({ firstSeen }) => age(firstSeen, now)],
  ],
});

export const drift: Verb = {
  summary: 'Shows every field whose live value is not the one in Git, who changed it, and when.',
  usage: [
    'drift [-l SELECTOR] [--cluster NAME]… [--placement NAME]… [--manager NAME]… [-o FORMAT] [--exit-code]',
  ],
  flags: {
    ...outputFlag(),
    ...SELECTOR,
    cluster: { value: 'NAME', multiple: true, describe: 'drift on this cluster only' },
    placement: { value: 'NAME', multiple: true, describe: 'drift of this placement only' },
    manager: { value: 'NAME', multiple: true, describe: 'fields that this field manager holds only' },
    'exit-code': { describe: 'exit 1 when there is drift, 0 when there is none' },
  },
  notes: [
    'Drift is as the agents reported it last; clusters that are not connected are counted on stderr.',
    'WHEN is an upper bound: Kubernetes keeps one time per field manager.',
    'Without --exit-code the exit code is 0 whether there is drift or not.',
  ],
  async run(parsed, around) {
    refuseWords(parsed);
    const filter = {
      selector: flagValue(parsed, 'selector') ?? null,
      clusters: parsed.values.get('cluster') ?? null,
      placements: parsed.values.get('placement') ?? null,
      manager: parsed.values.get('manager') ?? null,
    };
    await labelCheck(filter.selector, around)();
    const items = await driftItems(filter, around);
    await printList(items, formatOf(parsed), shapeAt(around.now()), around);
    if (items.length === 0) around.talk('no drift');
    const silent = await silentClusters(filter, around);
    if (silent > 0)
      around.talk(`${counted(silent, 'cluster is', 'clusters are')} not connected: last known state`);
    return parsed.switches.has('exit-code') && items.length > 0 ? EXIT.no : EXIT.yes;
  },
};

type Filter = { selector: string | null; clusters: readonly string[] | null };

async function driftItems(filter: Filter, { hub, signal }: Surroundings): Promise<DriftItem[]> {
  type Answer = { drift: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } };
  const nodes = await allPages(hub, QUERY, { filter }, (answer: Answer) => answer.drift, signal);
  return nodes.map(({ assignment, ...rest }) => ({
    cluster: assignment.cluster.name,
    placement: assignment.placement.name,
    ...rest,
  }));
}

async function silentClusters(
  { selector, clusters }: Filter,
  { hub, signal }: Surroundings,
): Promise<number> {
  const connectivity = ['STALE', 'OFFLINE', 'NEVER_CONNECTED'];
  const answer = await hub.ask<{ clusters: { totalCount: number } }>(
    SILENT,
    { clusters: { selector, names: clusters, connectivity } },
    signal,
  );
  return answer.clusters.totalCount;
}
