import type { Policy } from '#proto/assignment.ts';
import { someOf } from '#proto/fleet-checks/finding.ts';
import { harmless, paint } from '../output/table.ts';
import { labelText } from '../output/words.ts';
import type { describeCluster, describePlacement, whyOn } from './describe.ts';

const WIDTH = 12;
const MOST_NAMED = 8;
type Field = readonly [name: string, value: string];

const fields = (list: readonly Field[], indent = ''): string =>
  list.map(([name, value]) => `${indent}${name.padEnd(WIDTH)} ${harmless(value)}`.trimEnd()).join('\n');

export function clusterText(
  {
    cluster,
    file,
    labels,
    mode,
    suspend,
    decommission,
    publicKeys,
    assignments,
  }: ReturnType<typeof describeCluster>,
  color: boolean,
): string {
  const head = fields([
    ['cluster', cluster],
    ['file', file],
    ['labels', labelText(labels)],
    [
      'mode',
      `${mode}${suspend ? ', suspended' : ''}${decommission ? `, decommission: ${decommission}` : ''}`,
    ],
    ...publicKeys.map((key): Field => ['agent key', key]),
  ]);
  const blocks = assignments.map((one) => {
    const rows: Field[] =
      'faults' in one
        ? one.faults.map(({ message }): Field => ['fails', message])
        : [
            ['overlay', one.path || '.'],
            ...one.components.map((component): Field => ['component', component]),
            ...(one.namespace === undefined ? [] : [['namespace', one.namespace] as const]),
            ...one.values.map(
              ({ name, value, from }): Field => ['value', `${name} = ${JSON.stringify(value)}, from ${from}`],
            ),
          ];
    const title = `${paint(`placement ${harmless(one.placement)}`, 'blue', color)} in ${harmless(one.placementFile)}`;
    return `${title}\n${fields([...rows, ['stage', stageText(one)], ...policyFields(one.policy)], '  ')}`;
  });
  const none = blocks.length === 0 ? ['no placement selects it'] : [];
  return `${[head, ...blocks, ...none].join('\n\n')}\n`;
}

export function placementText(one: ReturnType<typeof describePlacement>): string {
  const { required, optional } = one.values;
  const head = fields([
    ['placement', one.placement],
    ['file', one.file],
    ...optionalField('owner', one.owner),
    ...optionalField('runbook', one.runbook),
    ['labels', labelText(one.labels)],
    ['selector', one.selector || 'every cluster'],
    ['overlay', one.path],
    ...one.components.map(
      ({ path, selector }): Field => ['component', selector === '' ? path : `${path} where ${selector}`],
    ),
    ...optionalField('namespace', one.namespace),
    ...required.map((name): Field => ['value', `${name}, required`]),
    ...Object.entries(optional).map(
      ([name, value]): Field => ['value', `${name}, else ${JSON.stringify(value)}`],
    ),
    ['strategy', one.strategy ?? 'none: one stage of all'],
    ...one.stages.map(
      ({ stage, clusters }): Field => ['stage', `${stage ?? 'none'}: ${someOf(clusters, MOST_NAMED)}`],
    ),
    ...one.unmatched.map(
      ({ why, clusters }): Field => ['unmatched', `${someOf(clusters, MOST_NAMED)}: ${why}`],
    ),
    ...one.faults.map(({ message }): Field => ['fails', message]),
    ...policyFields(one.policy),
  ]);
  return `${head}\n`;
}

export function whyText(list: readonly ReturnType<typeof whyOn>[], color: boolean): string {
  return list
    .map((one) => {
      const verdict = one.selected ? paint('selected', 'green', color) : paint('not selected', 'grey', color);
      const rows: Field[] = one.why.map((why) => ['because', why]);
      if (one.selected && 'stage' in one) rows.push(['stage', stageText(one)]);
      if ('path' in one) rows.push(['overlay', one.path || '.']);
      if ('faults' in one) rows.push(...one.faults.map((fault): Field => ['fails', fault]));
      return `${harmless(one.placement)}: ${verdict}\n${fields(rows, '  ')}\n`;
    })
    .join('\n');
}

const optionalField = (name: string, value: string | null): Field[] =>
  value === null ? [] : [[name, value]];

function stageText({ stage, strategy }: { stage?: string | null; strategy?: string | null }): string {
  return strategy == null ? 'all (no strategy)' : `${stage ?? 'none'} of strategy ${strategy}`;
}

function policyFields(policy: Policy | null): Field[] {
  if (!policy) return [];
  const { drift, guards, apply, health, dependsOn, adopt, allow, serviceAccount } = policy;
  const percent = (share: number) => `${Math.round(share * 100)}%`;
  return [
    ...(dependsOn.length > 0 ? [['depends on', dependsOn.join(', ')] as const] : []),
    [
      'drift',
      `${drift.mode}, extras ${drift.extras}${drift.ignore?.length ? `, ${drift.ignore.length} ignored` : ''}`,
    ],
    ['apply', apply],
    ['health', `within ${health.timeoutMs / 1_000} s${health.requireAddress ? ', address required' : ''}`],
    [
      'guards',
      `prune ${percent(guards.maxPrune)}, assignments removed ${percent(guards.maxAssignmentsRemoved)}`,
    ],
    ...(adopt.length > 0 ? [['adopts', adopt.join(', ')] as const] : []),
    ...(allow
      ? [
          [
            'allow',
            `namespaces ${(allow.namespaces ?? []).join(', ') || 'none'}; cluster-scoped ${(allow.clusterScoped ?? []).join(', ') || 'none'}`,
          ] as const,
        ]
      : []),
    ...(serviceAccount === undefined
      ? []
      : [['acts as', `${serviceAccount.namespace}/${serviceAccount.name}`] as const]),
  ];
}
