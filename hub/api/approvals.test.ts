import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oid, START, status, viewOf, withLines } from '../core/view/testing/fleet.ts';
import { acmeHolding, apiOf } from './testing/api.ts';

const APPROVALS = `{ approvals { totalCount nodes {
  id kind state reason setHash requestedAt clusterCount
  clusters { nodes { name } } placement { name deleted source { path } } commit { path field item }
} } }`;

test('a removal that is held is told as an approval, with the exact commit that gives it', async () => {
  const { data } = apiOf(acmeHolding());
  const { approvals } = await data(APPROVALS);
  const [{ id, ...approval }] = approvals.nodes;
  assert.deepEqual(approval, {
    kind: 'REMOVAL',
    state: 'PENDING',
    reason:
      '2 of 3 assignments would be removed, after 1 that left since the last approval: the placement is gone in Git; that takes an approval',
    setHash: '0123456789abcdef',
    requestedAt: '2026-05-03T09:59:00.000Z',
    clusterCount: 2,
    clusters: { nodes: [{ name: 'dev-eu-1' }, { name: 'prod-eu-1' }] },
    placement: { name: 'retired', deleted: true, source: { path: 'placements/retired.yaml' } },
    commit: {
      path: 'flotilla.yaml',
      field: 'spec.approvals',
      item: '{ placement: retired, removal: 0123456789abcdef, until: 2026-05-10 }',
    },
  });
  const { node } = await data(`{ node(id: "${id}") { ... on Approval { setHash } } }`);
  assert.equal(node.setHash, approval.setHash);
});

test('a removal that is held is a problem that says how to approve it', async () => {
  const { data } = apiOf(acmeHolding());
  const { fleet } = await data(
    '{ fleet { problems(filter: { code: ["removal-held"] }) { nodes { message suggestion placement { name } } } } }',
  );
  const [problem] = fleet.problems.nodes;
  assert.match(problem.message, /^placement retired: 2 of 3 assignments would be removed/);
  assert.equal(
    problem.suggestion,
    'to approve, commit { placement: retired, removal: 0123456789abcdef, until: 2026-05-10 } to spec.approvals in flotilla.yaml; to keep them, bring back what selected them',
  );
  assert.equal(problem.placement.name, 'retired');
});

test('what is held is shown as it runs, and says that it waits for an approval', async () => {
  const view = acmeHolding();
  const { data } = apiOf(view);
  const query = `{ assignment(cluster: "dev-eu-1", placement: "retired") {
    placement { name deleted } path waitingFor desired { revision { shortOid } } status { sync drift health reason headline }
  } }`;
  const { assignment } = await data(query);
  assert.match(assignment.waitingFor, /^held until removal 0123456789abcdef is approved: 2 of 3 assignments/);
  assert.deepEqual(
    { ...assignment, waitingFor: undefined },
    {
      placement: { name: 'retired', deleted: true },
      path: null,
      waitingFor: undefined,
      desired: { revision: { shortOid: oid('head').slice(0, 7) } },
      status: {
        sync: 'AWAITING_APPROVAL',
        drift: 'NONE',
        health: 'CURRENT',
        reason: assignment.waitingFor,
        headline: 'PENDING',
      },
    },
  );
  view.onStatus(status('dev-eu-1', 'retired', { sync: ['FAILED', 'quota'] }), START);
  assert.equal((await data(query)).assignment.status.sync, 'FAILED', 'what goes wrong is told first');
});

test('what stays of a placement that is there names the document that has to approve', async () => {
  const view = viewOf({ clusters: { a: {}, b: {} }, placements: { shop: { on: ['a'] } } });
  const { shop } = view.state.fleet.lines;
  const held = { setHash: 'abc', since: START, leaving: 1, left: 0, of: 1, clusters: ['b'] };
  const targets = { ...shop!.targets, b: shop!.targets.a! };
  const state = withLines(view.state, { shop: { ...shop!, targets } });
  view.setState({ ...state, removals: { shop: { held } } }, undefined);
  const { data } = apiOf(view);
  const { approvals } = await data(APPROVALS);
  assert.equal(approvals.nodes[0].commit.path, 'placements/shop.yaml');
  assert.match(approvals.nodes[0].commit.item, /^\{ removal: abc, until: /);
  assert.match(approvals.nodes[0].reason, /the placement no longer selects these clusters/);
  view.setState({ ...state, removals: { shop: { held: { ...held, setHash: 'def' } } } }, undefined);
  assert.match(view.assignment('b', 'shop')!.waitingFor!, /removal def is approved/);
});

test('a cluster that says decommission: prune is given nothing, and what leaves it is shown as leaving', () => {
  const clusters = { a: { spec: { decommission: 'prune' as const } } };
  const view = viewOf({ clusters, placements: { shop: {} } });
  const order = { revision: oid('head'), attempt: 2, since: START };
  const a = { epoch: 1, issuedAt: START, headHash: '', head: '', contentHash: 'c', leaving: { shop: order } };
  view.setState({ ...view.state, clusters: { a } }, undefined);
  const row = view.cluster('a')!;
  assert.deepEqual([row.assignments, row.removals.map(({ placement }) => placement)], [[], ['shop']]);
});
