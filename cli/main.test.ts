import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import type { RunningApi } from '#hub/api/server.ts';
import { acme } from '#hub/api/testing/api.ts';
import { serve } from '#hub/api/testing/serve.ts';
import { START, status, viewOf } from '#hub/core/view/testing/fleet.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { freePort } from '#test/bed/ports.ts';
import { run, start } from './testing/hub.ts';
import { VERBS } from './verbs.ts';

let api: RunningApi;
before(async () => {
  api = await serve(acme());
});
after(() => api.stop());

const flotilla = (line: string) => run(api.url, line.split(' ').filter(Boolean));

test('lists as json are {items: […]}, one named object is the object, and yaml says the same', async () => {
  const list = await flotilla('get clusters -l env=prod -o json');
  const { items } = JSON.parse(list.stdout);
  assert.deepEqual(
    items.map(({ name }: { name: string }) => name),
    ['prod-eu-1', 'prod-us-1'],
  );
  assert.deepEqual([list.code, list.stderr], [0, '']);
  const one = JSON.parse((await flotilla('get cluster prod-eu-1 -o json')).stdout);
  assert.deepEqual(one, items[0]);
  assert.deepEqual(parse((await flotilla('get cluster prod-eu-1 -o yaml')).stdout), one);
  assert.deepEqual(Object.keys(one), ['name', 'mode', 'status', 'facts', 'labels', 'assignmentCount']);
  const none = await flotilla('get clusters -l env=nowhere -o json');
  assert.deepEqual(JSON.parse(none.stdout), { items: [] });
});

test('the json of drift, assignments, placements, status and version has the members that the documentation names', async () => {
  const keys = async (line: string) => Object.keys(JSON.parse((await flotilla(line)).stdout));
  const itemKeys = async (line: string) => Object.keys(JSON.parse((await flotilla(line)).stdout).items[0]);
  assert.deepEqual((await itemKeys('drift -o json')).sort(), [
    'changedAt',
    'cluster',
    'desired',
    'fight',
    'firstSeen',
    'healable',
    'kind',
    'live',
    'manager',
    'operation',
    'path',
    'placement',
    'redacted',
    'resource',
    'subresource',
  ]);
  assert.deepEqual((await itemKeys('get assignments -o json')).sort(), [
    'applied',
    'cluster',
    'desired',
    'lag',
    'namespace',
    'path',
    'placement',
    'status',
    'waitingFor',
  ]);
  assert.ok((await itemKeys('get placements -o json')).includes('appliedRevisions'));
  assert.deepEqual(await keys('status -o json'), [
    'fleet',
    'clusterCount',
    'statusCounts',
    'notOk',
    'rollouts',
    'stopped',
    'approvals',
    'problems',
  ]);
  assert.deepEqual(await keys('version -o json'), ['client', 'hub']);
});

test('-o name prints what other commands take', async () => {
  assert.equal((await flotilla('get placements -o name')).stdout, 'placement/platform\nplacement/shop\n');
});

test('exit codes: 0 yes, 1 no, 2 error, 64 wrong command line; data on stdout, talk on stderr', async () => {
  for (const [line, code, stderr] of [
    ['status', 0, /^$/],
    ['status --exit-code', 1, /^$/],
    ['drift', 0, /^$/],
    ['drift --exit-code', 1, /^$/],
    ['drift --exit-code -l env=dev', 0, /^no drift\n$/],
    ['get clusters prod-eu-2', 1, /^cluster prod-eu-2 does not exist; did you mean prod-eu-1\?\n$/],
    ['get clusters dev-eu-1 nobody', 1, /^cluster nobody does not exist\n$/],
    ['get clusters -l env=nowhere', 0, /^no clusters found\n$/],
    ['get clusters -l env>1', 64, /^flotilla: selector "env>1"/],
    ['get clusters --cluster x', 64, /--cluster belongs to get assignments/],
    ['get placements -l env=prod', 64, /-l selects clusters/],
    ['get assignments x', 64, /use --cluster and --placement/],
    ['get', 64, /get what\? one of clusters, placements, assignments/],
    ['get nodes', 64, /unknown kind nodes/],
    ['statsu', 64, /unknown verb statsu; did you mean status\?/],
    ['status --selektor x', 64, /unknown flag --selektor; did you mean --selector\?/],
    ['status now', 64, /unexpected word now/],
    ['', 64, /what\? one of validate, .*status, get, .*version/],
  ] as const) {
    const ended = await flotilla(line);
    assert.equal(ended.code, code, `flotilla ${line}: ${ended.stderr}`);
    assert.match(ended.stderr, stderr, line);
    if (code === 64) assert.equal(ended.stdout, '');
  }
});

test('help is data, needs no hub, and names every flag of the verb', async () => {
  for (const [name, { load }] of Object.entries(VERBS)) {
    const { code, stdout, stderr } = await run('http://127.0.0.1:9', [name, '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const flag of Object.keys((await load()).flags))
      assert.ok(stdout.includes(`--${flag}`), `${name} ${flag}`);
  }
  const { code, stdout } = await run('http://127.0.0.1:9', ['--help']);
  assert.equal(code, 0);
  for (const name of Object.keys(VERBS)) assert.ok(stdout.includes(`  ${name} `));
});

test('a hub that does not answer is one line that names it and says what to do', async () => {
  const port = await freePort();
  const { code, stdout, stderr } = await run(`http://127.0.0.1:${port}`, ['status']);
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(
    stderr,
    `flotilla: hub http://127.0.0.1:${port} does not answer (ECONNREFUSED): check --hub or FLOTILLA_HUB, and that the hub runs\n`,
  );
  const version = await run(`http://127.0.0.1:${port}`, ['version']);
  assert.match(version.stdout, /^flotilla \d/);
  assert.equal(version.code, 2);
  assert.equal((await run('nowhere', ['status'])).code, 64);
});

test('what answers but is no hub, and a hub that lets nobody in, are told apart', async () => {
  const page = await other((_, response) => response.end('<html>'));
  const ended = await run(page.url, ['status']);
  assert.deepEqual([ended.code, /is this the address of a hub\?/.test(ended.stderr)], [2, true]);
  page.server.close();
  const closed = await other((_, response) => response.writeHead(401).end());
  assert.equal((await run(closed.url, ['status'])).code, 4);
  closed.server.close();
});

test('--hub wins over FLOTILLA_HUB', async () => {
  const { code } = await run('http://127.0.0.1:9', ['--hub', api.url, 'version']);
  assert.equal(code, 0);
});

test('nothing is coloured where nobody looks', async () => {
  const { stdout } = await flotilla('get clusters');
  assert.ok(!stdout.includes('\u001b'));
});

test('a reader that has seen enough ends it quietly', async () => {
  const view = viewOf({ clusters: { a: {} }, placements: { shop: {} } });
  const watched = await serve(view);
  const { child, told, ended } = start(watched.url, ['get', 'clusters', '-w', '-o', 'json']);
  await until(() => view.changes.listeners === 1 && told.stdout !== '');
  child.stdout.destroy();
  view.onStatus(status('a', 'shop'), START);
  assert.equal(await ended, 0);
  assert.equal(told.stderr, '');
  await watched.stop();
});

test('-w goes on with the rows that change, and ends at Ctrl-C', async () => {
  const view = viewOf({ clusters: { a: {}, b: {} }, placements: { shop: {} } });
  const watched = await serve(view);
  const { child, told, ended } = start(watched.url, ['get', 'clusters', '-w']);
  await until(() => view.changes.listeners === 1 && told.stdout.split('\n').length === 4);
  view.onStatus(status('b', 'shop', { health: ['FAILED', 'crash'] }), START);
  await until(() => told.stdout.includes('✖ FAILED'));
  assert.match(told.stdout, /^NAME .*\na .*\nb .*\nb {3,}✖ FAILED/);
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  assert.equal(told.stderr, '');
  await watched.stop();
});

test('status -w waits for a hub that went away, and says so once', async () => {
  const view = viewOf({ clusters: { a: {} } });
  const first = await serve(view);
  const { child, told, ended } = start(first.url, ['status', '-w']);
  await until(() => told.stdout.includes('1 cluster'));
  await first.stop();
  await until(() => told.stderr.includes('waiting for it'));
  assert.equal(told.stderr.match(/waiting/g)!.length, 1);
  child.kill('SIGTERM');
  assert.equal(await ended, 143);
});

async function other(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const until = (holds: () => boolean) =>
  eventually('it', async () => holds() || undefined, PATIENCE_MS, new AbortController().signal);
