import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Downloads } from './download.ts';

type Site = AsyncDisposable & { url: string; requests: string[] };

/** A host with the given files; a path that is not there is 404, `/silent` never answers. */
async function site(files: Record<string, string | Buffer>): Promise<Site> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    if (path === '/silent') return;
    const file = files[path];
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

test('a program with the right sha256 is delivered and executable', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-download-'));
  const program = '#!/bin/sh\necho v1.2.3\n';
  await using host = await site({ '/p': program });
  const seen: number[] = [];
  const release = { url: `${host.url}/p`, sha256: sha256(program) };
  const onBytes = (received: number) => seen.push(received);
  const path = await new Downloads().program(release, 'tool', directory.path, { onBytes });
  assert.equal(execFileSync(path, { encoding: 'utf8' }), 'v1.2.3\n');
  assert.equal(seen.at(-1), program.length);
});

test('a member of an archive is verified by the published checksum file', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-download-'));
  const source = join(directory.path, 'source');
  await mkdir(join(source, 'stem'), { recursive: true });
  await writeFile(join(source, 'stem', 'tool'), 'program');
  const archive = execFileSync('tar', ['-C', source, '-czf', '-', 'stem']);
  const sums = `${sha256('x')}  else.tar.gz\n${sha256(archive)}  stem.tar.gz\n`;
  await using host = await site({ '/v%2F1/stem.tar.gz': archive, '/SHA256SUMS': sums });
  const release = {
    url: `${host.url}/v%2F1/stem.tar.gz`,
    sums: `${host.url}/SHA256SUMS`,
    member: 'stem/tool',
  };
  const path = await new Downloads().program(release, 'tool', directory.path);
  assert.equal(await readFile(path, 'utf8'), 'program');
});

test('what does not have the expected sha256, or has none, is refused', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-download-'));
  await using host = await site({ '/p': 'altered', '/sums': `${sha256('altered')}  other\n` });
  const url = `${host.url}/p`;
  const downloads = new Downloads();
  const get = (release: Parameters<Downloads['program']>[0]) =>
    downloads.program(release, 'tool', directory.path);
  await assert.rejects(get({ url, sha256: sha256('original') }), /expected .*thrown away/);
  await assert.rejects(get({ url, sums: `${host.url}/sums` }), /has no single sha256 for p/);
  await assert.rejects(get({ url, sums: `${host.url}/none` }), /\/none answers 404/);
  await assert.rejects(readFile(join(directory.path, 'tool')), { code: 'ENOENT' });
});

test('a host that cannot be reached, or says nothing, is asked once in a run', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-download-'));
  await using host = await site({});
  const silent = { url: `${host.url}/silent`, sha256: sha256('') };
  const downloads = new Downloads(100);
  const get = () => downloads.program(silent, 'tool', directory.path);
  await assert.rejects(get(), { name: 'SourceFailed', message: /cannot be reached \(silent for 0\.1 s\)/ });
  await assert.rejects(get(), { name: 'SourceFailed', message: /cannot be reached/ });
  // A machine that stands still may give up before it has asked.
  assert.ok(host.requests.length <= 1, host.requests.join(' '));
  const closed = await site({});
  await closed[Symbol.asyncDispose]();
  const refused = new Downloads().program(
    { url: `${closed.url}/p`, sha256: sha256('') },
    'tool',
    directory.path,
  );
  await assert.rejects(refused, /cannot be reached \(ECONNREFUSED\)/);
});

test('an abort by the caller is an abort and not a failure of the host', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-download-'));
  await using host = await site({});
  const silent = { url: `${host.url}/silent`, sha256: sha256('') };
  const aborted = new Downloads().program(silent, 'tool', directory.path, {}, AbortSignal.timeout(50));
  await assert.rejects(aborted, { name: 'TimeoutError' });
});
