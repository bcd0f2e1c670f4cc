import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeClient } from './client.ts';
import { type ConnectionSource, connect } from './connection.ts';
import type { Resource } from './discovery.ts';
import { KubeError } from './errors.ts';
import { answer, ScriptedServer } from './testing/scripted-server.ts';

const NEVER = new AbortController().signal;
const CONFIG_MAPS: Resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
const target = { resource: CONFIG_MAPS, namespace: 'n', name: 'c' };
const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' } };
const live = { ...object, metadata: { ...object.metadata, uid: 'u', resourceVersion: '1' } };
const clientOf = (server: ScriptedServer, options = {}) =>
  new KubeClient(server.connection, { random: () => 0, ...options });

test('an overloaded server is asked again after the time it names', async () => {
  let calls = 0;
  await using server = await ScriptedServer.start((_, response) => {
    if (++calls < 3) answer(response, 429, { reason: 'TooManyRequests' }, { 'retry-after': '0' });
    else answer(response, 200, live);
  });
  assert.equal((await clientOf(server).get(target, NEVER))?.metadata.uid, 'u');
  assert.equal(calls, 3);
});

test('a lost connection is tried again where that is the same, and not for a create', async () => {
  let calls = 0;
  await using server = await ScriptedServer.start((_, response) => {
    if (++calls % 2 === 1) response.destroy();
    else answer(response, 200, live);
  });
  const client = clientOf(server);
  await client.apply(target, object, NEVER);
  assert.equal(calls, 2);
  await assert.rejects(client.create(CONFIG_MAPS, object, NEVER), (error: KubeError) => {
    return error instanceof KubeError && error.code === 'kube-unreachable' && error.status === 0;
  });
  assert.equal(calls, 3);
});

test('the server’s reason and message are kept, after the subject', async () => {
  await using server = await ScriptedServer.start((_, response) =>
    answer(response, 422, { kind: 'Status', reason: 'Invalid', message: 'spec.x: bad' }),
  );
  await assert.rejects(clientOf(server).apply(target, object, NEVER), (error: KubeError) => {
    assert.equal(error.message, 'apply ConfigMap/n/c: Invalid: spec.x: bad');
    assert.deepEqual([error.code, error.status, error.reason], ['kube-rejected', 422, 'Invalid']);
    return true;
  });
});

test('an apply is forced, strict, ours, and carries big integers exactly', async () => {
  await using server = await ScriptedServer.start((_, response) => answer(response, 201, live));
  const big = { ...object, spec: { big: 9_007_199_254_740_993n } };
  const { created } = await clientOf(server).apply(target, big, NEVER, { dryRun: true });
  assert.equal(created, true);
  const [asked] = server.asked;
  assert.equal(asked!.path, '/api/v1/namespaces/n/configmaps/c');
  assert.deepEqual(Object.fromEntries(asked!.query), {
    fieldManager: 'flotilla-agent',
    force: 'true',
    fieldValidation: 'Strict',
    dryRun: 'All',
  });
  assert.match(asked!.body, /"big":9007199254740993/);
});

test('an answer beyond the bound, one that is no JSON and none at all are errors with a subject', async () => {
  await using server = await ScriptedServer.start(({ path }, response) => {
    if (path.endsWith('/huge')) answer(response, 200, { metadata: { name: 'x'.repeat(10_000) } });
    else if (path.endsWith('/text')) response.end('<html>');
  });
  const get = (name: string, timeoutMs?: number) =>
    clientOf(server, { maxBytes: 1_000, attempts: 1, ...(timeoutMs && { timeoutMs }) }).get(
      { ...target, name },
      NEVER,
    );
  await assert.rejects(get('huge'), /get ConfigMap\/n\/huge: the answer exceeds 1000 bytes/);
  await assert.rejects(get('text'), /get ConfigMap\/n\/text: the answer is not JSON/);
  await assert.rejects(get('silent', 200), { code: 'kube-unreachable' });
});

test('an abort ends a call and the waits between its attempts', async () => {
  await using server = await ScriptedServer.start((_, response) =>
    answer(response, 429, {}, { 'retry-after': '20' }),
  );
  const abort = new AbortController();
  const asked = clientOf(server).get(target, abort.signal);
  setTimeout(() => abort.abort(new Error('enough')), 30);
  await assert.rejects(asked, /enough/);
});

test('a list follows its pages, and what is not there is undefined', async () => {
  await using server = await ScriptedServer.start(({ path, query }, response) => {
    if (path.endsWith('/c')) return answer(response, 404, { reason: 'NotFound' });
    const second = query.get('continue') === 'more';
    const name = second ? 'b' : 'a';
    answer(response, 200, {
      metadata: { resourceVersion: '7', ...(!second && { continue: 'more' }) },
      items: [{ metadata: { name } }],
    });
  });
  const client = clientOf(server);
  const all = await client.list(CONFIG_MAPS, { labelSelector: 'x', metadata: true }, NEVER);
  assert.deepEqual(
    all.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.name]),
    [
      ['v1', 'ConfigMap', 'a'],
      ['v1', 'ConfigMap', 'b'],
    ],
  );
  assert.match(server.asked[0]!.accept, /PartialObjectMetadataList/);
  assert.equal(await client.get(target, NEVER), undefined);
});

const kubeconfig = (server: string): ConnectionSource => ({
  text: JSON.stringify({
    clusters: [{ name: 'a', cluster: { server } }],
    users: [{ name: 'a', user: { token: 'secret-token' } }],
    contexts: [
      { name: 'a', context: { cluster: 'a', user: 'a' } },
      { name: 'broken', context: { cluster: 'none', user: 'a' } },
    ],
    'current-context': 'a',
  }),
});

test('a kubeconfig leads to plain http servers below a path, with its token', async () => {
  let authorization: string | undefined;
  await using server = await ScriptedServer.start((_, response) => {
    authorization = response.req.headers.authorization;
    answer(response, 200, live);
  });
  const client = new KubeClient(connect(kubeconfig(`${server.url}/clusters/one/`)));
  await client.get(target, NEVER);
  assert.equal(server.asked[0]!.path, '/clusters/one/api/v1/namespaces/n/configmaps/c');
  assert.equal(authorization, 'Bearer secret-token');
  await client.close();
});

test('a kubeconfig without a usable cluster is an error of configuration', () => {
  const wrong = { code: 'config-invalid' };
  assert.throws(() => connect({ ...kubeconfig('http://x'), context: 'broken' }), wrong);
  assert.throws(() => connect({ ...kubeconfig('http://x'), context: 'absent' }), wrong);
  assert.throws(() => connect({ file: '/does/not/exist' }), wrong);
  assert.throws(() => connect({ text: ': no: yaml' }), wrong);
});

test('credentials that are refused are read anew once', async () => {
  let reads = 0;
  await using server = await ScriptedServer.start((_, response) =>
    response.req.headers.authorization === 'Bearer 2'
      ? answer(response, 200, live)
      : answer(response, 401, {}),
  );
  const connection = {
    ...server.connection,
    server: server.url,
    credentials: async () => ({ headers: { authorization: `Bearer ${++reads}` }, dispatcher: undefined }),
  };
  assert.ok(await new KubeClient(connection).get(target, NEVER));
  assert.equal(reads, 2);
});

const forbidden = (message: string) => ({ kind: 'Status', reason: 'Forbidden', message });
const DEPLOYER = { namespace: 'apps', name: 'deployer' };

test('who acts as a service account reads as before, and only writes and rehearses as it', async () => {
  await using server = await ScriptedServer.start((_, response) => answer(response, 200, live));
  const acting = clientOf(server).actingAs(DEPLOYER);
  await acting.get(target, NEVER);
  await acting.apply(target, object, NEVER);
  await acting.apply(target, object, NEVER, { dryRun: true });
  await acting.jsonPatch(target, [], NEVER);
  await acting.remove(target, { uid: 'u' }, NEVER);
  const name = 'system:serviceaccount:apps:deployer';
  assert.deepEqual(
    server.asked.map(({ method, as }) => [method, as]),
    [
      ['GET', undefined],
      ['PATCH', name],
      ['PATCH', name],
      ['PATCH', name],
      ['DELETE', name],
    ],
  );
});

test('a right that is missing is granted to whom it is missing', async () => {
  const sayings = [
    'configmaps "c" is forbidden: User "system:serviceaccount:apps:deployer" cannot patch resource "configmaps" in API group "" in the namespace "n"',
    'serviceaccounts "deployer" is forbidden: User "system:serviceaccount:flotilla-system:flotilla-agent" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "apps"',
    'configmaps "c" is forbidden: User "system:serviceaccount:flotilla-system:flotilla-agent" cannot impersonate-on:serviceaccount:patch resource "configmaps" in API group "" in the namespace "n"',
  ];
  await using server = await ScriptedServer.start((_, response) =>
    answer(response, 403, forbidden(sayings.shift() ?? '')),
  );
  const acting = clientOf(server).actingAs(DEPLOYER);
  await assert.rejects(
    acting.apply(target, object, NEVER),
    /; grant service account apps\/deployer by a Role in namespace n or a ClusterRole: apiGroups: \[""\], resources: \["configmaps"\], verbs: \["patch"\]$/,
  );
  for (let saying = 2; saying <= 3; saying++)
    await assert.rejects(
      acting.apply(target, object, NEVER),
      /; grant the agent by a Role in namespace apps or a ClusterRole: apiGroups: \[""\], resources: \["serviceaccounts"\], resourceNames: \["deployer"\], verbs: \["impersonate"\]$/,
    );
});

test('who may not act as an account reads, and nothing of a write leaves the process', async () => {
  await using server = await ScriptedServer.start((_, response) => answer(response, 200, live));
  const refusal = new KubeError('kube-forbidden', 'not as this one', { status: 403, reason: 'Forbidden' });
  const refusing = clientOf(server).refusing(refusal);
  await refusing.get(target, NEVER);
  await assert.rejects(refusing.apply(target, object, NEVER), /not as this one/);
  await assert.rejects(refusing.remove(target, { uid: 'u' }, NEVER), /not as this one/);
  assert.equal(server.asked.length, 1);
});
