import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SparseObjects } from './sparse.ts';
import { assertFault, never } from './testing/assert-fault.ts';
import { fastImport } from './testing/fast-import.ts';
import { openRemote, openRepository, startGitHost } from './testing/git-host.ts';
import { entryAt, listFiles } from './tree.ts';

const OTHERS = Object.fromEntries(
  Array.from({ length: 2_000 }, (_, i) => [
    `clusters/c-${i}.yaml`,
    `name: c-${i}\nkey: ${(i * 2654435761) % 4294967296}\n`,
  ]),
);
const BASE = { 'apps/web/base/a.yaml': 'a: 1\n', 'apps/web/base/b.yaml': 'b: 1\n' };

/** A fleet in which 2,000 files are none of our business; the second commit changes one of ours. */
async function largeFleet(t: TestContext, filter = true) {
  const host = await startGitHost(t);
  host.config('uploadpack.allowFilter', String(filter));
  const tip = host.import(
    fastImport([{ files: { ...OTHERS, ...BASE } }, { files: { 'apps/web/base/b.yaml': 'b: 2\n' } }]),
  );
  const remote = openRemote(t, host.url);
  const log: string[] = [];
  const repository = await openRepository(t, { log: (message) => log.push(message) });
  const objects = new SparseObjects(remote, repository);
  const at = (rev: string) => host.git('rev-parse', rev);
  return { host, tip, remote, repository, objects, log, at };
}

async function readOverlay(objects: SparseObjects, revision: string, directory = 'apps/web/base') {
  const { tree } = await objects.readCommit(revision, never);
  const entry = await entryAt(objects, tree, directory, never);
  const files = await listFiles(objects, entry!.oid, directory, never);
  await objects.prefetch(
    files.map((file) => file.oid),
    never,
  );
  const texts = files.map(async ({ path, oid }) => [
    path,
    Buffer.from(await objects.readBlob(oid, never)).toString(),
  ]);
  return Object.fromEntries(await Promise.all(texts)) as Record<string, string>;
}

test('an overlay among 2,000 other files costs the trees on its path and its own files', async (t) => {
  const { tip, remote, objects } = await largeFleet(t);
  assert.deepEqual(await readOverlay(objects, tip), { ...BASE, 'apps/web/base/b.yaml': 'b: 2\n' });
  const { requests, receivedBytes } = { ...remote.stats };
  assert.equal(requests, 7, 'capabilities, commit, four trees one after the other, both files at once');
  assert.ok(receivedBytes < 1_500, `${receivedBytes} bytes`);
  assert.deepEqual(await readOverlay(objects, tip), { ...BASE, 'apps/web/base/b.yaml': 'b: 2\n' });
  assert.equal(remote.stats.requests, requests, 'what is here is not fetched again');
});

test('a later revision costs what changed', async (t) => {
  const { tip, at, remote, objects } = await largeFleet(t);
  await readOverlay(objects, at('main~1'));
  const { requests, receivedBytes } = { ...remote.stats };
  assert.deepEqual(await readOverlay(objects, tip), { ...BASE, 'apps/web/base/b.yaml': 'b: 2\n' });
  assert.ok(remote.stats.receivedBytes - receivedBytes < 1_200);
  assert.equal(remote.stats.requests - requests, 6);
});

test('readers at the same time share one request, and one of the same object its fetch', async (t) => {
  const { at, remote, objects } = await largeFleet(t);
  await remote.capabilities(never);
  const { requests } = { ...remote.stats };
  const oids = Array.from({ length: 100 }, (_, i) => at(`main:clusters/c-${i}.yaml`));
  await Promise.all([...oids, ...oids].map((oid) => objects.readBlob(oid, never)));
  assert.equal(remote.stats.requests - requests, 1);
});

test('a tree that is asked for together with its own commit and files comes too', async (t) => {
  const { tip, at, objects } = await largeFleet(t);
  const oids = [
    tip,
    ...['', 'apps', 'apps/web', 'apps/web/base', 'apps/web/base/a.yaml'].map((path) => at(`main:${path}`)),
  ];
  await objects.prefetch(oids, never);
  assert.equal((await objects.readCommit(tip, never)).tree, oids[1]);
  assert.equal((await objects.readBlob(oids.at(-1)!, never)).toString(), 'a: 1\n');
});

test('an object that is not on the server is named and does not spoil the others', async (t) => {
  const { at, objects } = await largeFleet(t);
  const missing = ['1'.repeat(40), '2'.repeat(40)];
  const good = at('main:clusters/c-7.yaml');
  const [first, second, third] = await Promise.allSettled(
    [...missing, good].map((oid) => objects.readBlob(oid, never)),
  );
  assert.equal(third?.status, 'fulfilled');
  for (const [i, result] of [first, second].entries()) {
    assert.equal(result?.status, 'rejected');
    await assertFault(Promise.reject(result.reason), 'git-object-missing', new RegExp(missing[i]!));
  }
  await assertFault(objects.readTree('main', never), 'git-object-missing', /"main" is not an object id/);
});

test('an object of another type than was asked for is not given out', async (t) => {
  const { tip, at, objects } = await largeFleet(t);
  await assertFault(objects.readBlob(tip, never), 'git-object-missing', /no blob .*: it is a commit/);
  await assertFault(objects.readCommit(at('main^{tree}'), never), 'git-object-missing', /it is a tree/);
});

test('a server that answers with another object is caught', async (t) => {
  const { host, at, remote, objects } = await largeFleet(t);
  await remote.capabilities(never);
  const [asked, given] = [at('main:clusters/c-1.yaml'), at('main:clusters/c-2.yaml')];
  const { pack } = await remote.fetch({ wants: [given], filter: 'tree:0', deepen: 1 }, never);
  host.interfere = (request, response) => {
    request.resume();
    const answer = Buffer.concat([Buffer.from('000dpackfile\n'), pktBand(pack), Buffer.from('0000')]);
    return !!response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).end(answer);
  };
  await assertFault(objects.readBlob(asked, never), 'git-object-missing', /not in the answer/);
});

test('one reader that gives up does not take the fetch from the other; the last one ends it', async (t) => {
  const { host, at, remote, objects } = await largeFleet(t);
  await remote.capabilities(never);
  const oid = at('main:clusters/c-1.yaml');
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => void>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  host.interfere = (request, response) => {
    request.pause();
    response.on('close', close);
    arrive(() => host.serve(request, response));
    return true;
  };
  const [hasty, patient] = [new AbortController(), new AbortController()];
  const reads = [objects.readBlob(oid, hasty.signal), objects.readBlob(oid, patient.signal)];
  const letPass = await arrived;
  hasty.abort(new Error('enough'));
  await assert.rejects(reads[0]!, /enough/);
  letPass();
  assert.equal((await reads[1]!).toString().startsWith('name: c-1\n'), true);

  host.interfere = (_, response) => {
    response.on('close', close);
    patient.abort(new Error('stopping'));
    return true;
  };
  await assert.rejects(objects.readBlob(at('main:clusters/c-2.yaml'), patient.signal), /stopping/);
  await closed;
  host.interfere = undefined;
  assert.equal((await objects.readBlob(at('main:clusters/c-2.yaml'), never)).length > 0, true);
});

test('damage on disk is fetched anew while reading', async (t) => {
  const { tip, repository, remote, objects, log } = await largeFleet(t);
  const before = await readOverlay(objects, tip);
  const directory = join(repository.directory, 'objects/pack');
  for (const name of readdirSync(directory).filter((one) => one.endsWith('.pack'))) {
    const bytes = readFileSync(join(directory, name));
    bytes.fill(0xaa, 14, bytes.length - 20);
    writeFileSync(join(directory, name), bytes);
  }
  const again = await openRepository(t, {
    directory: repository.directory,
    log: (message) => log.push(message),
  });
  assert.deepEqual(await readOverlay(new SparseObjects(remote, again), tip), before);
  assert.match(log.join(), /emptied/);
});

test('a directory that has grown too large starts afresh and goes on', async (t) => {
  const { tip, remote, at } = await largeFleet(t);
  const repository = await openRepository(t, { maxBytes: 600 });
  const objects = new SparseObjects(remote, repository);
  for (const revision of [tip, at('main~1'), tip]) await readOverlay(objects, revision);
  assert.ok(repository.has(at('main:apps/web/base/b.yaml')));
});

test('a server without filters is read by whole snapshots, and later ones by what changed', async (t) => {
  const { host, tip, remote, objects } = await largeFleet(t, false);
  assert.deepEqual(await readOverlay(objects, tip), { ...BASE, 'apps/web/base/b.yaml': 'b: 2\n' });
  const whole = { ...remote.stats };
  assert.ok(whole.receivedBytes > 50_000 && whole.requests <= 3, JSON.stringify(whole));
  const next = host.import(
    fastImport([{ files: { 'apps/web/base/b.yaml': 'b: 3\n' }, from: 'refs/heads/main^0' }]),
  );
  assert.deepEqual(await readOverlay(objects, next), { ...BASE, 'apps/web/base/b.yaml': 'b: 3\n' });
  const bytes = remote.stats.receivedBytes - whole.receivedBytes;
  assert.ok(bytes < 2_000, `${bytes} bytes`);
});

test('every mode of a file arrives as what it is', async (t) => {
  const host = await startGitHost(t);
  const tip = host.import(
    fastImport([
      {
        files: {
          file: 'f',
          run: { mode: '100755', text: '#!/bin/sh\n' },
          link: { mode: '120000', text: '../secret' },
          module: { mode: '160000', text: 'c'.repeat(40) },
          'directory/file': 'f',
        },
      },
    ]),
  );
  const objects = new SparseObjects(openRemote(t, host.url), await openRepository(t));
  const { tree } = await objects.readCommit(tip, never);
  assert.deepEqual(
    (await objects.readTree(tree, never)).map(({ name, mode }) => `${name} ${mode}`),
    ['directory tree', 'file file', 'link symlink', 'module gitlink', 'run executable'],
  );
  const link = await entryAt(objects, tree, 'link', never);
  assert.equal(Buffer.from(await objects.readBlob(link!.oid, never)).toString(), '../secret');
});

/** One side band packet of data. */
function pktBand(data: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from((data.length + 5).toString(16).padStart(4, '0')),
    Buffer.from([1]),
    data,
  ]);
}
