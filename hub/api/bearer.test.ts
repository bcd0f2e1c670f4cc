import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Tokens } from '../access/tokens.ts';
import { START } from '../core/view/testing/fleet.ts';
import type { RunningApi } from './server.ts';
import { acme } from './testing/api.ts';
import { serve } from './testing/serve.ts';

const dir = mkdtempSync(join(tmpdir(), 'flotilla-bearer-'));
const tokens = new Tokens(dir);
const alice = tokens.create({ name: 'alice', groups: ['ops'], emails: [] }, START);
const logged: string[] = [];
const log = {
  error: (...told: unknown[]) => void logged.push(JSON.stringify(told)),
  info: (...told: unknown[]) => void logged.push(JSON.stringify(told)),
};
let api: RunningApi;
before(async () => {
  api = await serve(acme(), { log, authenticate: (token) => tokens.whose(token, START) });
});
after(async () => {
  await api.stop();
  rmSync(dir, { recursive: true });
});

async function ask(authorization: string | undefined, query = '{ hub { version } }') {
  const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
  const sent = request(`${api.url}/graphql`, { method: 'POST', headers });
  sent.end(JSON.stringify({ query }));
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, headers: response.headers, body: JSON.parse(text) };
}

test('reading needs no token, and a good one is no hindrance', async () => {
  for (const header of [undefined, `Bearer ${alice}`, `bearer ${alice}`]) {
    const { status, body } = await ask(header);
    assert.deepEqual([status, body], [200, { data: { hub: { version: '9.9.9' } } }]);
  }
});

test('a token that does not count is refused whatever is asked, and is in no answer and no log', async () => {
  const wrong = `${alice.slice(0, -6)}AAAAAA`;
  for (const header of [`Bearer ${wrong}`, 'Bearer', 'Bearer x y', `Basic ${alice}`, alice]) {
    const { status, headers, body } = await ask(header);
    assert.equal(status, 401, header);
    assert.equal(headers['www-authenticate'], 'Bearer realm="flotilla"');
    assert.equal(body.errors[0].extensions.code, 'token-invalid');
    assert.ok(!JSON.stringify(body).includes(alice.slice(-30, -6)));
  }
  assert.ok(!logged.join().includes(alice.slice(-30, -6)));
});

test('a hub without tokens takes none', async () => {
  const bare = await serve(acme(), { log });
  const response = await fetch(`${bare.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${alice}` },
    body: '{"query":"{ hub { version } }"}',
  });
  assert.equal(response.status, 401);
  await bare.stop();
});
