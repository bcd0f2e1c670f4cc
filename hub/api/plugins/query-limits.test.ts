import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSchema as fromSdl, getIntrospectionQuery, parse, validate } from 'graphql';
import { SDL } from '../schema.ts';
import { acme, apiOf } from '../testing/api.ts';
import { limitRule, QUERY_LIMITS } from './query-limits.ts';

const { ask, post, data, yoga, url } = apiOf(acme());
const refused = async (query: string) => (await ask(query)).errors?.map(({ message }) => message) ?? [];

test('a query twelve levels deep is answered, one that is deeper is not', async () => {
  assert.deepEqual(await refused(`{ placement(name: "shop") ${wrap(10)} }`), []);
  assert.match(
    (await refused(`{ placement(name: "shop") ${wrap(11)} }`))[0]!,
    /is 13 levels deep, at most 12/,
  );
});

test('depth cannot be hidden in fragments', async () => {
  const fragments = Array.from(
    { length: 12 },
    (_, index) =>
      `fragment f${index} on Placement { dependsOn { ${index < 11 ? `...f${index + 1}` : 'name'} } }`,
  );
  const [message] = await refused(`{ placement(name: "shop") { ...f0 } } ${fragments.join(' ')}`);
  assert.match(message!, /levels deep/);
});

test('a bomb of fragments is weighed in no time, and cycles end', () => {
  const schema = fromSdl(SDL);
  const bomb = Array.from({ length: 150 }, (_, index) =>
    index < 149
      ? `fragment f${index} on Query { ...f${index + 1} ...f${index + 1} }`
      : 'fragment f149 on Query { __typename }',
  );
  const started = process.cpuUsage();
  validate(schema, parse(`{ ...f0 } ${bomb.join(' ')}`), [limitRule(QUERY_LIMITS)]);
  validate(schema, parse('{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'), [
    limitRule(QUERY_LIMITS),
  ]);
  // 2^150 fields would take for ever.
  assert.ok(process.cpuUsage(started).user < 10_000_000);
});

test('more than 15 aliases are refused, also where fragments multiply them', async () => {
  const many = (count: number) =>
    `{ ${Array.from({ length: count }, (_, index) => `a${index}: cluster(name: "x") { name }`).join(' ')} }`;
  assert.deepEqual(await refused(many(15)), []);
  assert.match((await refused(many(16)))[0]!, /has 16 aliases, at most 15/);
  const hidden = `query { a: fleet { ...f } b: fleet { ...f } c: fleet { ...f } }
    fragment f on Fleet { n1: name n2: name n3: name n4: name n5: name }`;
  assert.match((await refused(hidden))[0]!, /has 18 aliases/);
});

test('a query whose answer may be too large is refused, pages and variables counted at their most', async () => {
  const large = `clusters(first: 100) { nodes { assignments(first: 100) { nodes { cluster { name } placement { name } status { headline } } } } }`;
  const larger = (
    first: string,
  ) => `clusters(first: ${first}) { nodes { resources(first: 100) { nodes { assignment {
    cluster { events(first: 100) { nodes { id } } } } } } } }`;
  assert.deepEqual(await refused(`{ ${large} }`), []);
  assert.match((await refused(`{ ${larger('100')} }`))[0]!, /objects at most in its answer/);
  assert.match((await refused(`query ($n: Int) { ${larger('$n')} }`))[0]!, /objects at most/);
  assert.deepEqual(await refused(`{ ${larger('1')} }`), []);
});

test('a document of more than 2,000 tokens is not even parsed', async () => {
  const [message] = await refused(`{ ${'hub { version } '.repeat(600)} }`);
  assert.match(message!, /2000 tokens/);
});

test('the introspection query of tools passes, introspection in circles does not', async () => {
  const { __schema } = await data(getIntrospectionQuery());
  assert.ok(__schema.types.length > 50);
  const circle =
    '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } }';
  assert.notDeepEqual(await refused(circle), []);
});

test('a body of more than 100 kB is refused before it is read', async () => {
  const response = await post({ query: `{ hub { version } } #${'x'.repeat(100_000)}` });
  assert.equal(response.status, 413);
});

test('a query that takes too long is ended', async () => {
  const slow = apiOf(acme(), { mostQueryMs: -1 });
  const { errors } = await slow.ask('{ clusters { totalCount } }');
  assert.match(errors![0]!.message, /took longer than/);
});

test('lists of queries are refused', async () => {
  const response = await post([{ query: '{ hub { version } }' }, { query: '{ hub { version } }' }]);
  assert.equal(response.status, 400);
});

for (const [name, init, status] of [
  [
    'a form',
    {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'query={hub{version}}',
    },
    415,
  ],
  [
    'plain text',
    { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{"query":"{hub{version}}"}' },
    415,
  ],
  ['no type', { method: 'POST', body: '{"query":"{hub{version}}"}' }, 415],
  ['a GET without server-sent events', { method: 'GET', headers: { accept: 'application/json' } }, 405],
  ['another method', { method: 'PUT' }, 405],
  ['a preflight', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }, 405],
  ['another origin', json({ origin: 'https://evil.example' }), 403],
  ['an opaque origin', json({ origin: 'null' }), 403],
  ['another site', json({ 'sec-fetch-site': 'cross-site' }), 403],
  ['a sibling site', json({ 'sec-fetch-site': 'same-site' }), 403],
  ['the same origin', json({ origin: 'http://127.0.0.1', 'sec-fetch-site': 'same-origin' }), 200],
] as const) {
  test(`${name} is answered with ${status}, and with no word that opens it to other origins`, async () => {
    const response = await yoga.fetch(`${url}?query={hub{version}}`, init as RequestInit);
    assert.equal(response.status, status);
    assert.equal(response.headers.get('access-control-allow-origin'), null);
  });
}

function json(headers: Record<string, string>) {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"query":"{hub{version}}"}',
  };
}

function wrap(levels: number): string {
  return `${'{ dependsOn '.repeat(levels)}{ name ${'} '.repeat(levels)}}`;
}
