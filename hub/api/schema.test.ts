import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defaultFieldResolver,
  type ExecutionResult,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  graphql,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isNonNullType,
  isObjectType,
  parse,
  subscribe,
  validate,
} from 'graphql';
import { PERMISSIONS } from '#proto/documents/access.ts';
import { CLUSTER_MODES } from '#proto/documents/cluster.ts';
import { DRIFT_KINDS, DRIFT_STATES, EVENT_TYPES, HEALTH_STATES, SYNC_STATES } from '#proto/messages.ts';
import { WHATS } from '#rollouts/events.ts';
import { PHASES } from '#rollouts/phase.ts';
import { PURPOSES, SKIPS, TARGET_STATES } from '#rollouts/state.ts';
import { APPLY_RESULTS, AUDIT_KINDS } from '../core/audit-entry.ts';
import { storyOf } from '../core/testing/audit.ts';
import { APPROVAL_KINDS, APPROVAL_STATES } from '../core/view/approvals.ts';
import { CONNECTIVITY_STATES } from '../core/view/axes.ts';
import { HEADLINES_WORST_FIRST } from '../core/view/headline.ts';
import { SEVERITIES } from '../core/view/problems.ts';
import { DRIFT_GROUPINGS } from '../core/view/resources.ts';
import { BANNER_KINDS } from '../core/view/rollouts/banners.ts';
import { GATE_KINDS, GATE_STATES } from '../core/view/rollouts/gates.ts';
import { PAUSE_CAUSES } from '../core/view/rollouts/line-stages.ts';
import { STAGE_APPROVAL_STATES } from '../core/view/rollouts/stage-approvals.ts';
import { oid, START } from '../core/view/testing/fleet.ts';
import { type ApiContext, QueryTime } from './context.ts';
import { TABS } from './graphiql.ts';
import { idOf } from './ids.ts';
import { CLUSTER_ORDER_FIELDS } from './orders.ts';
import { wordOf } from './resolvers/shared.ts';
import { buildSchema } from './schema.ts';
import { acme, acmeHolding, acmeRolling, apiOf, NO_OPERATIONS } from './testing/api.ts';
import { GATE_ID, mutationOf, orders, SHOP, UNTIL, WHY } from './testing/orders.ts';

const schema = buildSchema();

const ENUMS: Record<string, readonly string[]> = {
  BannerKind: BANNER_KINDS,
  RolloutPhase: PHASES.map(wordOf),
  RolloutEventType: WHATS.map(wordOf),
  TargetState: TARGET_STATES.map(wordOf),
  PauseCause: PAUSE_CAUSES.map(wordOf),
  GateKind: GATE_KINDS,
  GateState: GATE_STATES,
  GateWhen: ['BEFORE', 'AFTER'],
  ApprovalKind: ['STAGE', ...APPROVAL_KINDS],
  ApprovalState: [...new Set([...APPROVAL_STATES, ...STAGE_APPROVAL_STATES])],
  ApplyPurpose: PURPOSES.map((purpose) => wordOf(purpose).replace('-', '_')),
  ApplyResult: APPLY_RESULTS.map(wordOf),
  AuditKind: AUDIT_KINDS.map(wordOf),
  Connectivity: CONNECTIVITY_STATES,
  Sync: SYNC_STATES,
  Drift: DRIFT_STATES,
  Health: HEALTH_STATES,
  Headline: HEADLINES_WORST_FIRST,
  AxisName: ['CONNECTIVITY', 'SYNC', 'DRIFT', 'HEALTH'],
  Permission: PERMISSIONS.map((word) => word.toUpperCase()),
  Skip: SKIPS.map((word) => word.toUpperCase()),
  Severity: SEVERITIES,
  ClusterMode: CLUSTER_MODES.map((mode) => mode.toUpperCase()),
  DriftKind: DRIFT_KINDS,
  DriftGroupBy: DRIFT_GROUPINGS,
  EventType: EVENT_TYPES,
  ClusterOrderField: CLUSTER_ORDER_FIELDS,
  OrderDirection: ['ASC', 'DESC'],
};

test('every enum of the SDL has exactly the words that the code uses', () => {
  const told = Object.values(schema.getTypeMap()).filter(
    (type) => isEnumType(type) && !type.name.startsWith('__'),
  );
  assert.deepEqual(told.map(({ name }) => name).sort(), Object.keys(ENUMS).sort());
  for (const type of told) {
    if (!isEnumType(type)) continue;
    const words = type.getValues().map(({ name }) => name);
    assert.deepEqual(words.sort(), [...ENUMS[type.name]!].sort(), type.name);
  }
});

/** Null in the fixture; every other field is answered with something, so that one that is nowhere does not pass for unknown. */
const MAY_BE_NULL = new Set(['ClusterChange.previousHeadline']);

test('every field of the SDL is answered: by a resolver, or by a member of what it is a field of', async () => {
  const watched = buildSchema();
  const answered = watchFields(watched);
  const { view } = acmeRolling(acmeHolding());
  const context: ApiContext = {
    view,
    audit: storyOf('prod-eu-1', 'shop', [oid('first'), oid('head')], START),
    version: '1',
    closing: new AbortController().signal,
    time: new QueryTime(60_000),
    viewer: { subject: 'root', groups: ['flotilla:admin'], emails: ['root@acme.example'] },
    operations: NO_OPERATIONS,
  };
  const ordered = orders();
  const ids: string[] = [];
  for (const field of Object.keys(watched.getQueryType()!.getFields())) {
    const source = `{ ${everythingOf(watched.getQueryType()!, field, 5, ids)} }`;
    const { data, errors } = await graphql({ schema: watched, source, contextValue: context });
    assert.equal(errors, undefined, `${field}: ${errors?.[0]}\n${source}`);
    collectIds(data, ids);
  }
  for (const subscription of ['fleetSummary', 'clusterChanges(after: "WyJjaGFuZ2VzIiwwLDBd")']) {
    const [name] = subscription.split('(') as [string];
    const type = getNamedType(watched.getSubscriptionType()!.getFields()[name]!.type);
    const document = parse(`subscription { ${subscription} ${selectionOf(type, 4)} }`);
    const values = await subscribe({ schema: watched, document, contextValue: context });
    assert.ok(Symbol.asyncIterator in values);
    const { value } = (await values.next()) as { value: ExecutionResult };
    assert.equal(value.errors, undefined);
    await values.return?.(undefined);
  }
  for (const call of CALLS) {
    const viewer = call.startsWith('release') ? undefined : context.viewer;
    const ordering = { ...context, view: ordered.view, operations: ordered.operations, viewer };
    const source = mutationOf(call);
    const { errors } = await graphql({ schema: watched, source, contextValue: ordering });
    assert.equal(errors, undefined, `${call}: ${errors?.[0]}`);
  }
  const everything = Object.values(watched.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__') && type.name !== 'Subscription')
    .flatMap((type) =>
      Object.keys((type as GraphQLObjectType).getFields()).map((field) => `${type.name}.${field}`),
    );
  const never = everything.filter((field) => !answered.has(field) && !MAY_BE_NULL.has(field));
  assert.deepEqual(never, []);
});

test('the tabs of GraphiQL ask what the schema answers', async () => {
  const { data } = apiOf(acme());
  for (const query of TABS) {
    assert.deepEqual(validate(buildSchema(), parse(query)), [], query);
    if (!query.startsWith('subscription')) await data(query);
  }
});

test('the SDL describes what may be unknown', () => {
  const { Assignment } = buildSchema().getTypeMap() as Record<string, GraphQLObjectType>;
  for (const field of ['desired', 'applied', 'lag', 'waitingFor']) {
    assert.ok(!isNonNullType(Assignment!.getFields()[field]!.type), field);
  }
});

/** Every mutation, and every way in which one can be declined. */
const CALLS = [
  `pauseRollout rolloutId: "${SHOP}" ${WHY}`,
  `resumeRollout rolloutId: "${SHOP}" ${WHY}`,
  `abortRollout rolloutId: "${SHOP}" expectedPhase: RUNNING ${WHY}`,
  `retryRollout rolloutId: "x" ${WHY}`,
  `expediteRollout rolloutId: "${SHOP}" stages: [] skip: [SOAK] ${WHY}`,
  `rollBackRollout rolloutId: "${SHOP}" ${WHY}`,
  `decideApproval approvalId: "${GATE_ID}" approve: false ${WHY}`,
  `pin placement: "shop" cluster: "dev-1" revision: "${oid('first')}" ${UNTIL}`,
  `unpin placement: "shop" cluster: "dev-1" ${WHY}`,
  `freeze selector: "" ${UNTIL}`,
  `unfreeze selector: "" ${WHY}`,
  `hold cluster: "dev-1" ${UNTIL}`,
  `release cluster: "dev-1" ${WHY}`,
  `resumeHub ${WHY}`,
];

/** Makes every field note that it was answered with something. */
function watchFields(watched: GraphQLSchema): Set<string> {
  const answered = new Set<string>();
  for (const type of Object.values(watched.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__') || type.name === 'Subscription') continue;
    for (const field of Object.values(type.getFields())) {
      const resolve = field.resolve ?? defaultFieldResolver;
      field.resolve = (...given) => {
        const value: unknown = resolve(...given);
        if (value !== undefined && value !== null) answered.add(`${type.name}.${field.name}`);
        return value;
      };
    }
  }
  return answered;
}

const ARGUMENTS: Record<string, (ids: string[]) => string> = {
  'Query.history': () => '(cluster: "prod-eu-1")',
  'Query.ranAt': () => '(cluster: "prod-eu-1", at: "2100-01-01T00:00:00Z")',
  'Query.node': (ids) => `(id: "${ids[0]}")`,
  'Query.nodes': (ids) => `(ids: ${JSON.stringify([...new Set(ids)].slice(0, 100))})`,
  'Query.cluster': () => '(name: "prod-eu-1")',
  'Query.clusterGroups': () => '(by: ["env", "region"])',
  'Query.placement': () => '(name: "shop")',
  'Query.assignment': () => '(cluster: "prod-eu-1", placement: "shop")',
  'Query.resources': () => '(filter: {})',
  'Query.driftGroups': () => '(by: FIELD)',
  'Query.commit': () => '(rev: "HEAD")',
  'Query.change': () => '(rev: "HEAD")',
  'Query.rollout': () => `(id: "${idOf('Rollout', 'shop', oid('head'))}")`,
  'Query.explain': () => '(cluster: "prod-eu-1", placement: "platform")',
  'ClusterConnection.facets': () => '(keys: ["env"])',
};

function everythingOf(parent: GraphQLObjectType, name: string, depth: number, ids: string[]): string {
  const field = parent.getFields()[name]!;
  const given = ARGUMENTS[`${parent.name}.${name}`]?.(ids) ?? '';
  return `${name}${given} ${selectionOf(getNamedType(field.type), depth)}`;
}

function selectionOf(type: GraphQLNamedType, depth: number): string {
  if (isInterfaceType(type)) return '{ __typename id }';
  if (!isObjectType(type)) return '';
  const fields = Object.values(type.getFields())
    .filter((field) => depth > 0 || isLeafType(getNamedType(field.type)))
    .filter((field) => field.name !== 'edges' || depth > 3)
    .map((field) => everythingOf(type, field.name, depth - 1, []));
  return `{ __typename ${fields.join(' ')} }`;
}

function collectIds(data: unknown, ids: string[]): void {
  if (typeof data !== 'object' || data === null) return;
  for (const [key, value] of Object.entries(data)) {
    if (key === 'id' && typeof value === 'string') ids.push(value);
    else collectIds(value, ids);
  }
}
