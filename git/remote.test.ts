import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { basicCredentials } from './credentials.ts';
import type { GitRemoteOptions } from './remote.ts';
import { assertFault, never } from './testing/assert-fault.ts';
import { commitLine, fastImport } from './testing/fast-import.ts';
import { openRemote, startGitHost, temporaryDirectory } from './testing/git-host.ts';

const UPLOAD_PACK_ADVERTISEMENT = 'application/x-git-upload-pack-advertisement';

async function small(t: TestContext, options: Partial<GitRemoteOptions> = {}) {
  const host = await startGitHost(t);
  const tip = host.import(fastImport(commitLine(3)));
  return { host, tip, remote: openRemote(t, host.url, options) };
}

/** The Authorization headers that a host saw; it refuses all but the one given. */
function demand(host: Awaited<ReturnType<typeof startGitHost>>, wanted: () => string): string[] {
  const seen: string[] = [];
  host.interfere = (request, response) => {
    seen.push(request.headers.authorization ?? '');
    if (request.headers.authorization === wanted()) return undefined;
    response.writeHead(401).end('no');
    return true;
  };
  return seen;
}

test('the tip of a branch is asked for by name, in one small request once the server is known', async (t) => {
  const { tip, remote } = await small(t);
  assert.equal(await remote.tip('main', never), tip);
  const { requests, receivedBytes } = remote.stats;
  assert.equal(await remote.tip('main', never), tip);
  assert.equal(remote.stats.requests, requests + 1);
  assert.ok(remote.stats.receivedBytes - receivedBytes < 100);
});

test('a branch that is not there is said together with those that are', async (t) => {
  const { host, remote } = await small(t);
  host.git('branch', 'release/1', 'main');
  await assertFault(
    remote.tip('mian', never),
    'git-branch-not-found',
    /not found: mian \(the server has: main, release\/1\)/,
  );
  await assertFault(remote.tip('release', never), 'git-branch-not-found', /release \(/);
  await assertFault(remote.tip('main\ncommand=x', never), 'git-branch-not-found', /not a name of a branch/);
  const empty = await startGitHost(t);
  await assertFault(openRemote(t, empty.url).tip('main', never), 'git-branch-not-found', /has no branches/);
});

test('an object that is not there is named', async (t) => {
  const { remote } = await small(t);
  const oid = '1234567890'.repeat(4);
  await assertFault(remote.fetch({ wants: [oid] }, never), 'git-object-missing', new RegExp(oid));
});

test('nobody listening and no such host are unreachable, each in its words', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const refused = openRemote(t, `http://127.0.0.1:${port}/x.git`);
  await assertFault(refused.tip('main', never), 'git-unreachable', /connection refused/);
  const unknown = openRemote(t, 'http://no-such-host.invalid/x.git');
  await assertFault(unknown.tip('main', never), 'git-unreachable', /no-such-host\.invalid.*host name/);
});

test('a repository that is not there, and a server in trouble, are told apart', async (t) => {
  const { host, remote } = await small(t);
  await assertFault(
    openRemote(t, host.url.replace('fleet', 'fleat')).tip('main', never),
    'git-repository-not-found',
    /404/,
  );
  host.interfere = (_, response) => !!response.writeHead(503).end('busy');
  await assertFault(remote.tip('main', never), 'git-unreachable', /HTTP 503/);
});

test('what answers but is no Git server is said to be none', async (t) => {
  const { host, remote } = await small(t);
  host.interfere = (_, response) =>
    !!response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>');
  await assertFault(remote.tip('main', never), 'git-not-a-git-server', /text\/html/);
  host.interfere = (_, response) => !!response.writeHead(418).end();
  await assertFault(remote.tip('main', never), 'git-not-a-git-server', /418/);
  host.interfere = (_, response) =>
    !!response.writeHead(200, { 'content-type': UPLOAD_PACK_ADVERTISEMENT }).end('hello there');
  await assertFault(remote.tip('main', never), 'git-protocol', /http:.*pkt-lines/);
});

test('a server that speaks protocol 0 only is said to be too old', async (t) => {
  const { host, remote } = await small(t);
  host.interfere = (request) => {
    delete request.headers['git-protocol'];
    return undefined;
  };
  await assertFault(remote.tip('main', never), 'git-not-a-git-server', /protocol version 2/);
});

test('a server that never answers, or stops in the middle, is a timeout', async (t) => {
  const { host, tip, remote } = await small(t, { idleTimeoutMs: 200 });
  const known = () => remote.capabilities(never).then(() => true);
  await eventually('an answer in time', known, PATIENCE_MS, never);
  host.cut = { afterBytes: 100, onCut: () => undefined };
  await assertFault(remote.fetch({ wants: [tip] }, never), 'git-timeout', /no answer in time/);
  host.interfere = () => true;
  await assertFault(remote.tip('main', never), 'git-timeout');
  const slow = openRemote(t, host.url, { totalTimeoutMs: 100 });
  await assertFault(slow.tip('main', never), 'git-timeout');
});

test('whoever asked can stop waiting, and gets their own reason', async (t) => {
  const { host, remote } = await small(t);
  const controller = new AbortController();
  const reason = new Error('shutting down');
  host.interfere = () => {
    controller.abort(reason);
    return true;
  };
  await assert.rejects(remote.tip('main', controller.signal), (error) => error === reason);
});

test('an answer that breaks off is unreachable, one that is too large is cut by us', async (t) => {
  const { host, tip, remote } = await small(t);
  await remote.capabilities(never);
  host.cut = { afterBytes: 100, onCut: (response) => response.destroy() };
  await assertFault(remote.fetch({ wants: [tip] }, never), 'git-unreachable', /broken/);
  host.cut = undefined;
  const frugal = openRemote(t, host.url, { maxPackBytes: 100 });
  await assertFault(frugal.fetch({ wants: [tip] }, never), 'git-too-large', /larger than 100 bytes/);
});

test('credentials are refused, or missing, in different words and never shown', async (t) => {
  const { host, remote } = await small(t);
  demand(host, () => 'nothing is right');
  await assertFault(remote.tip('main', never), 'git-credentials-refused', /none are configured/);
  const url = host.url.replace('//', '//ada:s3cret%21@');
  const error = await assertFault(
    openRemote(t, url).tip('main', never),
    'git-credentials-refused',
    /refused \(HTTP 401\)/,
  );
  for (const hidden of ['s3cret', Buffer.from('ada:s3cret!').toString('base64')]) {
    assert.ok(!inspect(error, { depth: 9 }).includes(hidden));
  }
});

test('credentials come from the URL, a value or a file, and a changed file is in force at once', async (t) => {
  const { host, tip } = await small(t);
  const file = join(temporaryDirectory(t), 'token');
  const basic = (password: string) => `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
  let wanted = basic('s3cret!');
  const seen = demand(host, () => wanted);
  assert.equal(await openRemote(t, host.url.replace('//', '//ada:s3cret%21@')).tip('main', never), tip);
  const value = openRemote(t, host.url, { credentials: basicCredentials('ada', { value: 's3cret!' }) });
  assert.equal(await value.tip('main', never), tip);
  writeFileSync(file, 'first\n');
  wanted = basic('first');
  const remote = openRemote(t, host.url, { credentials: basicCredentials('ada', { file }) });
  assert.equal(await remote.tip('main', never), tip);
  writeFileSync(file, 'second\n');
  wanted = basic('second');
  assert.equal(await remote.tip('main', never), tip);
  assert.equal(seen.at(-1), basic('second'));
});

test('a credentials file that is missing, empty or binary is named', async (t) => {
  const file = join(temporaryDirectory(t), 'token');
  const remote = openRemote(t, 'http://127.0.0.1:1/x.git', {
    credentials: basicCredentials('ada', { file }),
  });
  await assertFault(remote.tip('main', never), 'git-credentials-refused', /token cannot be read/);
  for (const content of ['', '\n', 'a\r\nX-Injected: 1', '\0', 'x'.repeat(20_000)]) {
    writeFileSync(file, content);
    await assertFault(remote.tip('main', never), 'git-credentials-refused', /token: empty, too long/);
  }
});

test('a redirect is followed to the same host only, and credentials go nowhere else', async (t) => {
  const { host, tip } = await small(t);
  const other = await startGitHost(t);
  const otherSaw: unknown[] = [];
  other.interfere = (request) => void otherSaw.push(request.url);
  const url = host.url.replace('//', '//ada:s3cret@');
  const redirect = (to: (path: string) => string) => {
    host.interfere = (request, response) => {
      if (!request.url?.startsWith('/old.git')) return undefined;
      return !!response.writeHead(302, { location: to(request.url) }).end();
    };
  };
  redirect((path) => path.replace('/old.git', '/fleet.git'));
  const moved = openRemote(t, url.replace('fleet', 'old'));
  assert.equal(await moved.tip('main', never), tip);
  redirect((path) => new URL(path.replace('/old.git', '/fleet.git'), other.url).href);
  const away = openRemote(t, url.replace('fleet', 'old'));
  await assertFault(
    away.tip('main', never),
    'git-not-a-git-server',
    /redirects to http:\/\/127\.0\.0\.1:\d+, which is not followed/,
  );
  redirect(() => '/login');
  await assertFault(
    openRemote(t, url.replace('fleet', 'old')).tip('main', never),
    'git-not-a-git-server',
    /redirects/,
  );
  redirect((path) => path);
  await assertFault(
    openRemote(t, url.replace('fleet', 'old')).tip('main', never),
    'git-not-a-git-server',
    /HTTP 302/,
  );
  assert.deepEqual(otherSaw, []);
});

test('a URL that is none of ours is refused without showing what may be secret in it', () => {
  for (const url of ['ssh://git:s3cret@host/x', 's3cret', 'file:///etc', '']) {
    assert.throws(
      () => openRemote({ after: () => undefined } as unknown as TestContext, url),
      (error) => !String(error).includes('s3cret') && /not an http or https URL/.test(String(error)),
    );
  }
});
