import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oid, START, status, viewOf } from '../core/view/testing/fleet.ts';
import { acme, apiOf } from './testing/api.ts';

const { data, ask } = apiOf(acme());

test('the fleet tells its head, whether Git and the bus answer, and what is to be mended', async () => {
  const { fleet, hub } = await data(`{
    hub { version startedAt }
    fleet {
      name branch head { oid headline author { name email } committedAt } indexedAt
      git { ok lastOkAt } bus { ok }
      problems(first: 1) { totalCount nodes { code severity message cluster { name } } pageInfo { hasNextPage } }
    }
  }`);
  assert.deepEqual(hub, { version: '9.9.9', startedAt: '2026-05-03T10:00:00.000Z' });
  assert.deepEqual(
    [fleet.name, fleet.branch, fleet.head.oid, fleet.head.headline, fleet.git.ok, fleet.bus.ok],
    ['acme', 'main', oid('head'), 'head', true, true],
  );
  assert.equal(fleet.problems.totalCount, 3, 'a document, a fault of an agent, an object that was refused');
  assert.equal(fleet.problems.pageInfo.hasNextPage, true);
});

test('a cluster tells its axes apart, each with reason and times', async () => {
  const { cluster } = await data(`{ cluster(name: "prod-eu-1") {
    name labels(keys: ["env"]) { key value } mode entry { path }
    status { headline reason connectivity sync drift health observedAt axes { name state reason } }
    enrollment { publicKeys enrolledBy { shortOid } lastConnectedAt }
  } }`);
  assert.deepEqual(cluster.labels, [{ key: 'env', value: 'prod' }]);
  assert.equal(cluster.mode, 'ENFORCE');
  assert.equal(cluster.entry.path, 'clusters/prod-eu-1.yaml');
  assert.deepEqual(cluster.status.axes, [
    { name: 'CONNECTIVITY', state: 'CONNECTED', reason: null },
    { name: 'SYNC', state: 'SYNCED', reason: null },
    { name: 'DRIFT', state: 'DRIFTED', reason: 'shop: 2 fields' },
    { name: 'HEALTH', state: 'CURRENT', reason: null },
  ]);
  assert.equal(cluster.status.headline, 'DRIFTED');
  assert.equal(cluster.status.reason, 'shop: 2 fields');
});

test('clusters are filtered, ordered worst first, counted and faceted on the server', async () => {
  const { clusters } = await data(`{
    clusters(filter: { selector: "env in (prod,dev)" }, orderBy: { field: HEADLINE, direction: ASC }) {
      totalCount nodes { name } statusCounts { headline count }
      facets(keys: ["region", "nothing"]) { key values { value count statusCounts { headline count } } }
    }
  }`);
  assert.deepEqual(
    clusters.nodes.map(({ name }: { name: string }) => name),
    ['prod-us-1', 'prod-eu-1', 'dev-eu-1'],
  );
  assert.deepEqual(clusters.statusCounts, [
    { headline: 'FAILED', count: 1 },
    { headline: 'DRIFTED', count: 1 },
    { headline: 'APPLYING', count: 1 },
  ]);
  assert.deepEqual(clusters.facets[0].values, [
    {
      value: 'eu',
      count: 2,
      statusCounts: [
        { headline: 'DRIFTED', count: 1 },
        { headline: 'APPLYING', count: 1 },
      ],
    },
    { value: 'us', count: 1, statusCounts: [{ headline: 'FAILED', count: 1 }] },
  ]);
  assert.deepEqual(clusters.facets[1], { key: 'nothing', values: [] });
});

test('drift tells field, values, manager and time, and folds by who did it', async () => {
  const { drift, driftGroups } = await data(`{
    drift(filter: { pathGlob: "/spec/*" }) {
      totalCount
      nodes { assignment { cluster { name } placement { name } } resource { kind namespace name }
        path kind desired live manager operation changedAt firstSeen redacted healable subresource fight }
    }
    driftGroups(by: MANAGER) { key fieldCount clusterCount sample { path } clusters { nodes { name } } }
  }`);
  assert.deepEqual(drift, {
    totalCount: 1,
    nodes: [
      {
        assignment: { cluster: { name: 'prod-eu-1' }, placement: { name: 'shop' } },
        resource: { kind: 'Deployment', namespace: 'shop', name: 'web' },
        path: '/spec/replicas',
        kind: 'CHANGED',
        desired: 3,
        live: 1,
        manager: 'kubectl-edit',
        operation: 'Update',
        changedAt: '2026-05-03T10:00:00.000Z',
        firstSeen: '2026-05-03T10:00:00.000Z',
        redacted: false,
        healable: true,
        subresource: 'scale',
        fight: false,
      },
    ],
  });
  assert.deepEqual(
    driftGroups.map(({ key, fieldCount }: { key: string; fieldCount: number }) => [key, fieldCount]),
    [
      ['', 1],
      ['kubectl-edit', 1],
    ],
  );
});

test('assignments tell what is desired, what is applied and how far behind that is', async () => {
  const { assignments, placement } = await data(`{
    assignments(filter: { placements: ["shop"], clusters: ["prod-us-1"] }) {
      totalCount
      nodes { desired { revision { shortOid commit { headline } } digest } applied { digest } lag { commits seconds } attempt path
        waitingFor status { sync health } counts { objects } }
      revisionCounts { revision { shortOid } count }
    }
    placement(name: "shop") { owner dependsOn { name } version { oid } source { path } assignments { totalCount } }
  }`);
  const [row] = assignments.nodes;
  assert.equal(row.desired.digest, row.applied.digest);
  assert.deepEqual(row.lag, { commits: 0, seconds: 0 });
  assert.equal(row.attempt, '1');
  assert.equal(row.waitingFor, '1 object is to be deleted');
  assert.deepEqual(assignments.revisionCounts, [
    { revision: { shortOid: oid('head').slice(0, 7) }, count: 1 },
  ]);
  assert.deepEqual(placement.dependsOn, [{ name: 'platform' }]);
  assert.equal(placement.assignments.totalCount, 2);
});

test('objects and images are found across the fleet', async () => {
  const { resources, images } = await data(`{
    resources(filter: { kind: ["Deployment"], nameGlob: "w*" }, clusters: { selector: "env=prod" }, first: 1) {
      totalCount pageInfo { endCursor hasNextPage }
      nodes { ref { kind name } health assessed images { repository tag } source { path } error action }
    }
    images(repository: "nginx") { image { digest } clusterCount clusters { nodes { name } } }
  }`);
  assert.equal(resources.totalCount, 4);
  assert.equal(resources.pageInfo.hasNextPage, true);
  assert.deepEqual(images, [
    { image: { digest: 'sha256:abc' }, clusterCount: 1, clusters: { nodes: [{ name: 'prod-us-1' }] } },
  ]);
});

test('every object is found again by its id, and what is no id is null', async () => {
  const found = await data(`{
    clusters { nodes { id } } placements { nodes { id } } assignments { nodes { id } }
    resources(filter: {}) { nodes { id } } drift { nodes { id } } events { nodes { id } }
    fleet { head { id } problems { nodes { id } } }
  }`);
  const ids = [
    ...['clusters', 'placements', 'assignments', 'resources', 'drift', 'events'].flatMap(
      (of) => found[of].nodes,
    ),
    found.fleet.head,
    ...found.fleet.problems.nodes,
  ].map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const { nodes } = await data('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }', { ids });
  assert.deepEqual(
    nodes.map(({ id }: { id: string }) => id),
    ids,
  );
  const bogus = ['', 'x', '%%', Buffer.from('["Cluster"]').toString('base64url'), `${ids[0]}=`];
  const none = await data('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: bogus });
  assert.deepEqual(none.nodes, [null, null, null, null, null]);
});

test('our errors are told as they are, with their code; a wrong selector names the part', async () => {
  for (const [query, code, message] of [
    ['{ clusters(first: 0) { totalCount } }', 'hub-refused', /^first must be 1 to 100/],
    ['{ clusters(first: 101) { totalCount } }', 'hub-refused', /^first must be 1 to 100/],
    ['{ clusters(after: "x") { totalCount } }', 'hub-refused', /^after is/],
    ['{ clusters(filter: { selector: "a in b" }) { totalCount } }', 'selector-invalid', /"a in b"/],
    ['{ clusterGroups(by: ["a","b","c","d"]) { count } }', 'hub-refused', /at most 3/],
  ] as const) {
    const { errors } = await ask(query);
    assert.equal(errors?.[0]?.extensions?.code, code, query);
    assert.match(errors![0]!.message, message);
  }
});

test('what nobody foresaw is hidden from the caller and told to the log', async () => {
  const view = acme();
  Object.defineProperty(view, 'commit', {
    value: () => {
      throw new TypeError('secret path /var/lib');
    },
  });
  const { ask: asked, hidden } = apiOf(view);
  const { errors, status: http } = await asked('{ commit(rev: "HEAD") { oid } }');
  assert.equal(http, 200);
  assert.doesNotMatch(JSON.stringify(errors), /secret|TypeError|stack/);
  assert.equal(errors![0]!.extensions!.code, 'internal');
  assert.match(String((hidden[0] as { err: Error }).err), /secret path/);
});

test('before the first index the fleet answers with what is known', async () => {
  const { ReadModel } = await import('../core/view.ts');
  const empty = apiOf(new ReadModel({ startedAt: START }));
  const { fleet, clusters } = await empty.data(
    '{ fleet { name head { oid } git { ok message } problems { nodes { code } } } clusters { totalCount nodes { name } } }',
  );
  assert.equal(fleet.head, null);
  assert.equal(fleet.git.message, 'the repository has not been read yet');
  assert.deepEqual(clusters, { totalCount: 0, nodes: [] });
});

test('1,000 clusters are each seen once by following the pages, while their states change in between', async () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `c${String(index).padStart(4, '0')}`);
  const view = viewOf({
    clusters: Object.fromEntries(names.map((name, index) => [name, { labels: { shard: `s${index % 7}` } }])),
    placements: { shop: {} },
  });
  const { data: ask1000 } = apiOf(view);
  const query = `query ($after: String) {
    clusters(orderBy: { field: NAME, direction: DESC }, first: 100, after: $after) {
      totalCount nodes { name status { headline } } pageInfo { hasNextPage endCursor }
    }
  }`;
  const seen: string[] = [];
  let after: string | null = null;
  for (let turn = 0; ; turn++) {
    const { clusters } = (await ask1000(query, { after })) as {
      clusters: {
        totalCount: number;
        nodes: { name: string }[];
        pageInfo: { hasNextPage: boolean; endCursor: string };
      };
    };
    assert.equal(clusters.totalCount, 1_000);
    seen.push(...clusters.nodes.map(({ name }) => name));
    for (let index = turn; index < 1_000; index += 11) {
      view.onStatus(
        status(names[index]!, 'shop', { health: turn % 2 ? ['FAILED', 'x'] : ['CURRENT'] }),
        START,
      );
    }
    if (!clusters.pageInfo.hasNextPage) break;
    after = clusters.pageInfo.endCursor;
  }
  assert.deepEqual(seen, names.toReversed());
});
