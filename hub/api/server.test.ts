import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { KEY, START, status, viewOf } from '../core/view/testing/fleet.ts';
import { ReadModel } from '../core/view.ts';
import type { RunningApi } from './server.ts';
import { acme } from './testing/api.ts';
import { serve } from './testing/serve.ts';

const given = { v: 1 as const, cluster: 'a', jwt: 'x.y.z', natsUrls: ['nats://127.0.0.1:1'], hubKeys: ['N'] };
const bootstrap = (publicKey: string) => (publicKey === KEY ? given : undefined);
const start = (view: ReadModel, port = 0) => serve(view, { bootstrap, version: '1', listen: { port } });

let api: RunningApi;
before(async () => {
  api = await start(acme());
});
after(() => api.stop());

const get = (path: string, init: RequestInit = {}) =>
  fetch(`${api.url}${path}`, { redirect: 'manual', ...init });

/** fetch does not let a test choose the Host header. */
async function statusFor(host: string, path: string): Promise<number> {
  const asked = request({ port: api.port, host: '127.0.0.1', path, headers: { host } }).end();
  const [response] = await once(asked, 'response');
  response.resume();
  return response.statusCode;
}

test('a query over HTTP is answered', async () => {
  const response = await get('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ clusters { totalCount } }"}',
  });
  assert.deepEqual(await response.json(), { data: { clusters: { totalCount: 3 } } });
});

test('an agent whose key is committed gets its bootstrap, every other gets 404', async () => {
  assert.deepEqual(await (await get(`/v1/agents/${KEY}`)).json(), given);
  const other = await get(`/v1/agents/${KEY.replace('D', 'E')}`);
  assert.equal(other.status, 404);
  assert.equal(((await other.json()) as { code: string }).code, 'bootstrap-not-enrolled');
  assert.equal((await get('/v1/agents/..%2f..%2fetc')).status, 404);
});

test('healthz says that the process lives, readyz says why it is not ready', async () => {
  assert.equal((await get('/healthz')).status, 200);
  assert.deepEqual(await (await get('/readyz')).json(), { ready: true, reasons: [] });
  const unready = await start(new ReadModel({ startedAt: START }));
  const response = await fetch(`${unready.url}/readyz`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), {
    ready: false,
    reasons: ['no index yet: the repository has not been read yet', 'bus: not connected yet'],
  });
  await unready.stop();
});

test('the root leads to GraphQL, the SDL can be fetched, and there is nothing else', async () => {
  const root = await get('/');
  assert.deepEqual([root.status, root.headers.get('location')], [302, '/graphql']);
  assert.match(await (await get('/schema.graphql')).text(), /^type Query \{/m);
  for (const path of ['/metrics', '/graphql/', '/graphqlx', '//', '/v1/agents/']) {
    assert.equal((await get(path)).status, 404, path);
  }
  assert.equal((await get('/healthz', { method: 'POST' })).status, 405);
});

test('GraphiQL is served whole: it loads nothing from elsewhere, and opens with the useful questions', async () => {
  const response = await get('/graphql', { headers: { accept: 'text/html' } });
  const html = await response.text();
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-frame-options'), 'DENY');
  assert.doesNotMatch(html, /<(script|link|img|iframe)\b[^>]*\b(src|href)=["']?(https?:)?\/\//);
  assert.doesNotMatch(html, /unpkg|jsdelivr|cdnjs/);
  assert.match(html, /WhatHasDrifted/);
});

test('bound to loopback, a Host header of another name is refused on every path', async () => {
  for (const path of ['/graphql', '/healthz', `/v1/agents/${KEY}`]) {
    assert.equal(await statusFor('evil.example', path), 421);
    assert.equal(await statusFor(`evil.example:${api.port}`, path), 421);
  }
  for (const host of ['localhost', `127.0.0.1:${api.port}`, `[::1]:${api.port}`]) {
    assert.equal(await statusFor(host, '/healthz'), 200, host);
  }
});

test('a port that is taken is said so, with the port', async () => {
  await assert.rejects(
    start(acme(), api.port),
    (error) =>
      error instanceof FlotillaError &&
      error.code === 'port-in-use' &&
      error.message.includes(String(api.port)),
  );
});

test('stopping ends open subscriptions and frees the port', async () => {
  const view = viewOf({ clusters: { a: {} } });
  const stopped = await start(view);
  const response = await fetch(`${stopped.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { clusterChanges { name } }' }),
  });
  const text = response.text();
  await stopped.stop();
  assert.match(await text, /event: complete/);
  assert.equal(view.changes.listeners, 0);
  await (await start(view, stopped.port)).stop();
});

test('a client that does not read costs the hub a bounded number of bytes, gets the newest, and is forgotten', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
  const view = viewOf({
    clusters: Object.fromEntries(names.map((name) => [name, {}])),
    placements: { shop: {} },
  });
  const slow = await start(view);
  const body = JSON.stringify({
    query: 'subscription { clusterChanges { name cluster { status { reason axes { reason } } } } }',
  });
  const socket = connect(slow.port, '127.0.0.1');
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await until(() => view.changes.listeners === 1);
  const last = 600;
  const reason = (round: number) => `round-${round}-${'r'.repeat(900)}`;
  for (let round = 0; round <= last; round++) {
    for (const name of names)
      view.onStatus(status(name, 'shop', { health: ['FAILED', reason(round)] }), START);
    await new Promise(setImmediate);
  }
  const newest = new Set<string>();
  let bytes = 0;
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    bytes += chunk.length;
    text = (text + chunk).slice(-100_000);
    for (const [, name] of text.matchAll(new RegExp(`"name":"(c\\d+)"[^\\n]*round-${last}-`, 'g')))
      newest.add(name!);
  });
  await until(() => newest.size === names.length);
  const all = last * names.length * 2 * 900;
  assert.ok(bytes < all / 3, `${bytes} bytes of ${all} were kept for it`);
  socket.destroy();
  await until(() => view.changes.listeners === 0);
  await slow.stop();
});

const until = (holds: () => boolean) =>
  eventually('it', async () => holds() || undefined, PATIENCE_MS, new AbortController().signal);
