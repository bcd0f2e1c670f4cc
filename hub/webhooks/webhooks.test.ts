import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { pause } from '#process/wait.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { Answer } from '#rollouts/facts.ts';
import { allowanceOf } from './addresses.ts';
import type { AskOptions, Resolve } from './ask.ts';
import type { WebhookOrder } from './contract.ts';
import { Webhooks, type WebhooksOptions } from './webhooks.ts';

type Seen = { path: string; headers: IncomingMessage['headers']; body: string };
type Script = (seen: Seen, response: ServerResponse) => void;

const KEY = Buffer.from('a key that the test knows');
const NEVER = new AbortController().signal;
const yes: Script = (_, response) => response.end('{"answer":"yes"}');

let server: Server;
let port: number;
let seen: Seen[];
let script: Script;
let ended: (() => Promise<void>)[];

beforeEach(async () => {
  seen = [];
  ended = [];
  script = yes;
  server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const one = { path: request.url!, headers: request.headers, body: Buffer.concat(chunks).toString() };
    seen.push(one);
    script(one, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  for (const end of ended) await end();
  server.closeAllConnections();
  server.close();
});

const order = (more: Partial<WebhookOrder> = {}): WebhookOrder => ({
  id: `shop/early/${'a'.repeat(40)}/1/after/0/0`,
  url: `http://127.0.0.1:${port}/gate`,
  secret: 'ci',
  timeoutMs: 60_000,
  retries: 0,
  placement: 'shop',
  stage: 'early',
  version: 'a'.repeat(40),
  when: 'after',
  authors: ['Ann', 'ann@example.com'],
  ...more,
});

type Desk = {
  webhooks: Webhooks;
  logged: unknown[];
  answer(id?: string): Promise<Answer>;
  stop(): Promise<void>;
};

function start(more: Partial<AskOptions & Pick<WebhooksOptions, 'most'>> = {}): Desk {
  const logged: unknown[] = [];
  const stop = new AbortController();
  let wake = Promise.withResolvers<void>();
  const log = {
    info: (...all: unknown[]) => void logged.push(all),
    warn: (...all: unknown[]) => void logged.push(all),
  };
  const webhooks = new Webhooks({
    allowance: allowanceOf(['127.0.0.0/8']),
    readKey: async () => KEY,
    backoff: { first: 1, most: 2 },
    log,
    onAnswer() {
      wake.resolve();
      wake = Promise.withResolvers();
    },
    ...more,
  });
  const running = webhooks.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  ended.push(end);
  return {
    webhooks,
    logged,
    async answer(id = order().id) {
      while (!webhooks.answers.has(id)) await wake.promise;
      return webhooks.answers.get(id)!;
    },
    stop: end,
  };
}

const asked = async (count: number) => {
  while (seen.length < count) await pause(2, NEVER);
};

test('a request says what is asked, signed over its id, its time and its body', async () => {
  const { webhooks, answer, logged } = start({ now: () => 1_700_000_000_500 });
  webhooks.want([order({ previous: 'b'.repeat(40) })]);
  assert.deepEqual(await answer(), { says: 'yes' });
  const [{ body, headers, path }] = seen as [Seen];
  assert.equal(path, '/gate');
  assert.deepEqual(JSON.parse(body), {
    v: 1,
    id: order().id,
    placement: 'shop',
    stage: 'early',
    when: 'after',
    version: 'a'.repeat(40),
    previous: 'b'.repeat(40),
    authors: ['Ann', 'ann@example.com'],
  });
  assert.equal(headers['webhook-timestamp'], '1700000000');
  assert.equal(headers['content-type'], 'application/json');
  const mac = createHmac('sha256', KEY).update(`${order().id}.1700000000.${body}`).digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${mac}`);
  assert.ok(!JSON.stringify([logged, headers, body]).includes(KEY.toString()));
});

test('no is an answer with its message, which is cut to what is kept', async () => {
  script = (_, response) =>
    response.end(JSON.stringify({ answer: 'no', message: 'x'.repeat(5_000), more: 1 }));
  const { webhooks, answer } = start();
  webhooks.want([order()]);
  const { says, message } = await answer();
  assert.equal(says, 'no');
  assert.equal(message?.length, 1_000);
});

const NO_ANSWERS: Record<string, readonly [Script, RegExp]> = {
  'HTTP 500': [(_, response) => response.writeHead(500).end('{"answer":"yes"}'), /^HTTP 500$/],
  'HTTP 201': [(_, response) => response.writeHead(201).end('{"answer":"yes"}'), /^HTTP 201$/],
  'a redirect': [
    (_, response) => response.writeHead(307, { location: `http://127.0.0.1:${port}/other` }).end(),
    /^HTTP 307: redirects are not followed$/,
  ],
  'no JSON': [(_, response) => response.end('yes'), /answer is not/],
  'another word': [(_, response) => response.end('{"answer":"maybe"}'), /answer is not/],
  'true for yes': [(_, response) => response.end('{"answer":true}'), /answer is not/],
  'nothing at all': [(_, response) => void response.destroy(), /^the connection failed: ECONNRESET$/],
  'half an answer': [
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"answer":"yes"}', () => response.destroy());
    },
    /^the connection failed/,
  ],
  'more than is read': [
    (_, response) => {
      const flood = (): void => void response.write(randomBytes(32_768), (failed) => failed || flood());
      flood();
    },
    /^the answer has more than 65536 bytes$/,
  ],
  'headers and nothing more': [
    (_, response) => void response.writeHead(200).flushHeaders(),
    /^no answer within 0.2 s$/,
  ],
  'one byte now and then': [
    async (_, response) => {
      while (!response.destroyed) {
        response.write(' ');
        await pause(20, NEVER);
      }
    },
    /^no answer within 0.2 s$/,
  ],
};
for (const [what, [does, says]] of Object.entries(NO_ANSWERS)) {
  test(`${what} is no answer`, async () => {
    script = does;
    const { webhooks, answer } = start();
    webhooks.want([order({ timeoutMs: /within/.test(says.source) ? 200 : 60_000 })]);
    const { says: word, message = '' } = await answer();
    assert.equal(word, 'away');
    assert.match(message, says);
    // A machine that stands still may give up before it has asked.
    assert.ok(seen.length <= 1);
  });
}

test('a failed try is repeated under the same id, as often as the gate says and no more', async () => {
  script = (_, response) => response.writeHead(503).end();
  const { webhooks, answer } = start();
  webhooks.want([order({ retries: 3 })]);
  assert.deepEqual(await answer(), { says: 'away', message: 'HTTP 503 (4 tries)' });
  assert.equal(seen.length, 4);
  assert.equal(new Set(seen.map(({ headers }) => headers['webhook-id'])).size, 1);
});

test('an answer to a later try counts', async () => {
  script = (one, response) => (seen.length < 3 ? response.writeHead(503).end() : yes(one, response));
  const { webhooks, answer } = start();
  webhooks.want([order({ retries: 5 })]);
  assert.deepEqual(await answer(), { says: 'yes' });
  assert.equal(seen.length, 3);
});

test('a request is asked once, however often it is wanted, before and after its answer', async () => {
  const { webhooks, answer } = start();
  for (let times = 0; times < 5; times++) webhooks.want([order()]);
  await answer();
  for (let times = 0; times < 5; times++) webhooks.want([order()]);
  webhooks.want([]);
  webhooks.want([order()]);
  webhooks.want([order(), order({ id: 'other' })]);
  await answer('other');
  assert.equal(seen.length, 2);
});

test('what is not wanted any more is given up, and asked again when it is wanted again', async () => {
  const gone: string[] = [];
  script = (one, response) => {
    if (seen.length > 1) yes(one, response);
    else response.on('close', () => gone.push(one.path));
  };
  const { webhooks, answer } = start();
  webhooks.want([order({ timeoutMs: 60_000 })]);
  await asked(1);
  webhooks.want([], new Set(['other placement']));
  assert.deepEqual(gone, []);
  webhooks.want([], new Set(['shop']));
  while (gone.length === 0) await pause(2, NEVER);
  assert.equal(webhooks.answers.size, 0);
  webhooks.want([order()]);
  assert.deepEqual(await answer(), { says: 'yes' });
});

test('another one that is started asks again, under the same id', async () => {
  script = () => undefined;
  const first = start();
  first.webhooks.want([order({ timeoutMs: 60_000 })]);
  await asked(1);
  await first.stop();
  script = yes;
  const second = start();
  second.webhooks.want([order()]);
  assert.deepEqual(await second.answer(), { says: 'yes' });
  assert.equal(seen[0]!.headers['webhook-id'], seen[1]!.headers['webhook-id']);
});

test('so many are asked at once and no more, fewer of one host, and all in the end', async () => {
  let [open, most, fill] = [0, 0, 3];
  script = async (one, response) => {
    most = Math.max(most, ++open);
    while (most < fill) await pause(2, NEVER);
    await pause(20, NEVER);
    open--;
    yes(one, response);
  };
  const { webhooks, answer } = start({
    most: { atOnce: 5, perHost: 3 },
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  });
  const orders = ['a.test', 'b.test', 'c.test'].flatMap((host) =>
    Array.from({ length: 8 }, (_, at) => order({ id: `${host}${at}`, url: `http://${host}:${port}/` })),
  );
  webhooks.want(orders.slice(0, 8));
  await Promise.all(orders.slice(0, 8).map(({ id }) => answer(id)));
  assert.equal(most, 3);
  fill = 5;
  webhooks.want(orders);
  await Promise.all(orders.map(({ id }) => answer(id)));
  assert.equal(most, 5);
  assert.equal(seen.length, 24);
});

test('the connection goes to the address that was judged, by the name in the URL', async () => {
  let lookups = 0;
  const resolve: Resolve = async (host) => {
    assert.equal(host, 'hook.test');
    lookups++;
    return [{ address: '127.0.0.1', family: 4 }];
  };
  const { webhooks, answer } = start({ resolve });
  webhooks.want([order({ url: `http://hook.test:${port}/gate` })]);
  assert.deepEqual(await answer(), { says: 'yes' });
  assert.equal(seen[0]!.headers.host, `hook.test:${port}`);
  assert.equal(lookups, 1);
});

test('a resolver that lies at the second time is not asked a second time', async () => {
  // The first answer is allowed and nobody listens there; the second would lead to what listens on loopback.
  const answers = ['127.0.0.9', '127.0.0.1'];
  const resolve: Resolve = async () => [{ address: answers.shift() ?? '127.0.0.1', family: 4 }];
  const { webhooks, answer } = start({ resolve, allowance: allowanceOf(['127.0.0.9']) });
  webhooks.want([order({ url: `http://hook.test:${port}/gate` })]);
  assert.deepEqual(await answer(), { says: 'away', message: 'the connection failed: ECONNREFUSED' });
  assert.deepEqual(answers, ['127.0.0.1']);
  webhooks.want([order({ id: 'again', url: `http://hook.test:${port}/gate`, retries: 5 })]);
  const { says, message } = await answer('again');
  assert.equal(says, 'away');
  assert.match(message!, /it leads to a loopback address, and --webhook-allow/);
  assert.equal(seen.length, 0);
});

test('nothing inside is asked unless it was named, by name or as an address', async () => {
  const resolve: Resolve = async () => [
    { address: '93.184.215.14', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ];
  const { webhooks, answer } = start({ resolve, allowance: allowanceOf([]) });
  const urls = ['hook.test', '127.0.0.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0'];
  const orders = urls.map((host) => order({ id: host, url: `http://${host}:${port}/`, retries: 9 }));
  webhooks.want(orders);
  for (const { id } of orders) assert.match((await answer(id)).message!, /it leads to a/, id);
  assert.equal(seen.length, 0);
});

test('a name that resolves to nothing is away; a secret that is missing is said at once', async () => {
  const { webhooks, answer } = start({
    resolve: async (host) => (host === 'none.test' ? [] : Promise.reject(new Error('ENOTFOUND'))),
    readKey: async (name) => {
      throw new FlotillaError('webhook-refused', `webhook secret "${name}" is not among those of the hub`);
    },
  });
  webhooks.want([
    order({ id: 'none', url: 'https://none.test/' }),
    order({ id: 'unknown', url: 'https://unknown.test/', retries: 1 }),
    order({ id: 'unsigned', retries: 20 }),
  ]);
  assert.equal((await answer('none')).message, 'none.test has no address');
  assert.equal((await answer('unknown')).message, 'unknown.test cannot be resolved (2 tries)');
  assert.equal((await answer('unsigned')).message, 'webhook secret "ci" is not among those of the hub');
  assert.equal(seen.length, 0);
});

test('what should not happen ends the run', async () => {
  const broken = new Webhooks({
    allowance: allowanceOf(['127.0.0.1']),
    readKey: async () => {
      throw new TypeError('a mistake');
    },
    log: { info: () => undefined, warn: () => undefined },
    onAnswer: () => assert.fail('an answer'),
  });
  broken.want([order()]);
  await assert.rejects(broken.run(NEVER), /a mistake/);
});
