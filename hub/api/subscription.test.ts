import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hello, START, snapshot, status, viewOf } from '../core/view/testing/fleet.ts';
import type { ReadModel } from '../core/view.ts';
import { apiOf } from './testing/api.ts';

const TWO = {
  clusters: { a: { labels: { env: 'dev' } }, b: { labels: { env: 'prod' } } },
  placements: { shop: {} },
};
const CHANGES = 'name previousHeadline cluster { status { headline } } cursor';

type Change = {
  name: string;
  previousHeadline: string | null;
  cluster: { status: { headline: string } } | null;
  cursor: string;
};

/** Reads the values of a subscription, one by one; `end` is what a browser does that goes away. */
async function subscribe<T>(view: ReadModel, query: string, variables: object = {}) {
  const { post, closing } = apiOf(view);
  const gone = new AbortController();
  const response = await post({ query, variables }, { accept: 'text/event-stream' }, gone.signal);
  assert.match(response.headers.get('content-type')!, /^text\/event-stream/);
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  // yoga begins with a comment, so that the headers are sent at once.
  let text = decoder.decode((await reader.read()).value, { stream: true }).replace(/^:\n\n/, '');
  const next = async (): Promise<T | undefined> => {
    for (;;) {
      const found = /event: (next|complete)\ndata:(.*)\n\n/.exec(text);
      if (found) {
        text = text.slice(found.index + found[0].length);
        return found[1] === 'next' ? (JSON.parse(found[2]!) as T) : undefined;
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
  };
  return { next, end: () => reader.cancel(), closing };
}

const changesOf = async (view: ReadModel, args = '') => {
  const all = await subscribe<{ data: { clusterChanges: Change } }>(
    view,
    `subscription { clusterChanges${args} { ${CHANGES} } }`,
  );
  return { ...all, next: async () => (await all.next())!.data.clusterChanges };
};

test('changes of clusters are told with the headline before the first of them that is unread', async () => {
  const view = viewOf(TWO);
  view.onHello(hello('a'), START);
  const { next, end } = await changesOf(view);
  view.onStatus(status('a', 'shop', { health: ['FAILED', 'x'] }), START);
  view.onStatus(status('a', 'shop'), START);
  const { name, previousHeadline, cluster } = await next();
  assert.deepEqual([name, previousHeadline, cluster!.status.headline], ['a', 'PENDING', 'OK']);
  await end();
});

test('a reader that goes away is forgotten at once', async () => {
  const view = viewOf(TWO);
  const { end } = await changesOf(view);
  assert.equal(view.changes.listeners, 1);
  await end();
  assert.equal(view.changes.listeners, 0);
});

test('a reader that comes back with its cursor learns what changed and what left meanwhile, once', async () => {
  const view = viewOf(TWO);
  const first = await changesOf(view);
  view.onHello(hello('b'), START);
  const { cursor } = await first.next();
  await first.end();
  view.onHello(hello('a'), START);
  view.setIndex(snapshot({ ...TWO, clusters: { a: TWO.clusters.a, c: {} } }));
  const again = await changesOf(view, `(after: "${cursor}")`);
  const told = [await again.next(), await again.next(), await again.next()];
  assert.deepEqual(
    told.map(({ name, cluster }) => [name, cluster === null]),
    [
      ['a', false],
      ['b', true],
      ['c', false],
    ],
  );
  await again.end();
  const resumed = await changesOf(view, `(after: "${told[1]!.cursor}")`);
  assert.equal((await resumed.next()).name, 'c', 'the cursor of a value covers what was told until then');
  await resumed.end();
});

test('a cursor of another hub process answers with every cluster', async () => {
  const old = viewOf(TWO, { startedAt: START - 60_000 });
  const first = await changesOf(old);
  old.onHello(hello('a'), START);
  const { cursor } = await first.next();
  await first.end();
  const again = await changesOf(viewOf(TWO), `(after: "${cursor}")`);
  assert.deepEqual([(await again.next()).name, (await again.next()).name].sort(), ['a', 'b']);
  await again.end();
});

test('a cluster that leaves the filter is told once, with no cluster; others outside it are not told', async () => {
  const view = viewOf(TWO);
  const { next, end } = await changesOf(view, '(filter: { selector: "env=prod" })');
  view.onHello(hello('a'), START);
  view.onHello(hello('b'), START);
  assert.equal((await next()).name, 'b');
  view.setIndex(snapshot({ ...TWO, clusters: { a: TWO.clusters.a, b: { labels: { env: 'dev' } } } }));
  const { name, cluster } = await next();
  assert.deepEqual([name, cluster], ['b', null]);
  view.onStatus(status('b', 'shop'), START);
  view.setIndex(snapshot(TWO));
  assert.equal((await next()).cluster!.status.headline, 'OK');
  await end();
});

test('the summary is told at once, then when it changes', async () => {
  const view = viewOf(TWO);
  const { next, end } = await subscribe<{ data: { fleetSummary: unknown } }>(
    view,
    'subscription { fleetSummary(filter: { names: ["a"] }) { totalCount statusCounts { headline count } } }',
  );
  assert.deepEqual((await next())!.data.fleetSummary, {
    totalCount: 1,
    statusCounts: [{ headline: 'UNKNOWN', count: 1 }],
  });
  view.onHello(hello('b'), START);
  view.onStatus(status('a', 'shop'), START);
  assert.deepEqual((await next())!.data.fleetSummary, {
    totalCount: 1,
    statusCounts: [{ headline: 'OK', count: 1 }],
  });
  await end();
});

test('a hub that stops completes its subscriptions', async () => {
  const view = viewOf(TWO);
  const { next, closing } = await subscribe(view, `subscription { clusterChanges { ${CHANGES} } }`);
  closing.abort();
  assert.equal(await next(), undefined);
  assert.equal(view.changes.listeners, 0);
});

test('a cursor that is none, and more than 500 readers, are refused', async () => {
  const { ask } = apiOf(viewOf(TWO));
  for (const cursor of ['x', 'W10', Buffer.from('["clusters NAME ASC","a"]').toString('base64url')]) {
    const { errors } = await ask(`subscription { clusterChanges(after: "${cursor}") { name } }`);
    assert.equal(errors?.[0]?.extensions?.code, 'hub-refused', cursor);
  }
  const crowded = viewOf(TWO);
  for (let index = 0; index < 500; index++) crowded.onChange(() => undefined);
  const { errors } = await apiOf(crowded).ask('subscription { fleetSummary { totalCount } }');
  assert.match(errors![0]!.message, /500 subscriptions/);
});
