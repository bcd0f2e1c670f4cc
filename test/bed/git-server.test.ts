import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { git } from './git.ts';
import { parseCgiHead } from './git-backend.ts';
import { WorkingClone } from './git-repository.ts';
import { startGitServer } from './git-server.ts';
import { startGitServerProcess } from './git-server-process.ts';
import { makeScratch } from './scratch.ts';

async function exampleDirectory(dir: string): Promise<string> {
  const from = join(dir, 'example');
  await mkdir(join(from, 'clusters'), { recursive: true });
  await writeFile(join(from, 'flotilla.yaml'), 'kind: Fleet\n');
  await writeFile(join(from, 'clusters', 'a.yaml'), 'kind: Cluster\n');
  return from;
}

test('a repository made from a directory is cloned, committed to, reverted and pushed', async () => {
  await using scratch = await makeScratch('git');
  await using server = await startGitServer({ dir: join(scratch.dir, 'repos') });
  const from = await exampleDirectory(scratch.dir);
  const { url } = await server.createRepository('fleet', { from });
  const clone = await WorkingClone.clone(url, join(scratch.dir, 'work'));
  assert.equal(await clone.git('branch', '--show-current'), 'main');
  assert.equal(await clone.read('clusters/a.yaml'), 'kind: Cluster\n');
  await clone.write('clusters/deep/b.yaml', 'kind: Cluster\n');
  await clone.remove('clusters/a.yaml');
  const commit = await clone.commit('Swap a for b');
  await clone.revert(commit);
  assert.deepEqual(await readdir(join(clone.dir, 'clusters')), ['a.yaml']);
  const tip = await git(['ls-remote', url, 'refs/heads/main']);
  assert.equal(tip, `${await clone.head()}\trefs/heads/main`);
  assert.ok(server.counts.requests > 0 && server.counts.bytesIn > 0 && server.counts.bytesOut > 0);
});

test('a commit pushed aside is on the server but not on the branch', async () => {
  await using scratch = await makeScratch('git');
  await using server = await startGitServer({ dir: join(scratch.dir, 'repos') });
  const from = await exampleDirectory(scratch.dir);
  const { url } = await server.createRepository('fleet', { from });
  const clone = await WorkingClone.clone(url, join(scratch.dir, 'work'));
  const before = await clone.head();
  await clone.write('evil.yaml', 'kind: Evil\n');
  const commit = await clone.commitAside('refs/pull/1/head', 'Not merged');
  assert.equal(await clone.head(), before);
  assert.equal(await git(['ls-remote', url, 'refs/pull/1/head']), `${commit}\trefs/pull/1/head`);
  assert.equal(await git(['ls-remote', url, 'refs/heads/main']), `${before}\trefs/heads/main`);
});

test('protocol 2 with a filter serves trees without blobs, and single objects by their id', async () => {
  await using scratch = await makeScratch('git');
  await using server = await startGitServer({ dir: join(scratch.dir, 'repos') });
  const from = await exampleDirectory(scratch.dir);
  const { url } = await server.createRepository('fleet', { from });
  const work = join(scratch.dir, 'partial');
  await git(['-c', 'protocol.version=2', 'clone', '-q', '--filter=blob:none', '--no-checkout', url, work]);
  const missing = await git(['rev-list', '--objects', '--missing=print', '--all'], { cwd: work });
  assert.equal(missing.split('\n').filter((line) => line.startsWith('?')).length, 2);
  await git(['checkout', '-q', 'main'], { cwd: work });
  assert.equal(await git(['status', '--porcelain'], { cwd: work }), '');

  const response = await fetch(`${url}/info/refs?service=git-upload-pack`, {
    headers: { 'Git-Protocol': 'version=2' },
  });
  assert.match(await response.text(), /version 2[\s\S]*fetch=[^\n]*filter/);
});

test('a gzipped request body is understood', async () => {
  await using scratch = await makeScratch('git');
  await using server = await startGitServer({ dir: join(scratch.dir, 'repos') });
  const from = await exampleDirectory(scratch.dir);
  const { url } = await server.createRepository('fleet', { from });
  const response = await fetch(`${url}/git-upload-pack`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      'content-encoding': 'gzip',
      'Git-Protocol': 'version=2',
    },
    body: gzipSync('0014command=ls-refs\n00010014ref-prefix refs/0000'),
  });
  assert.match(await response.text(), /refs\/heads\/main/);
});

test('a push too large for one buffer arrives in chunks', async () => {
  await using scratch = await makeScratch('git');
  await using server = await startGitServer({ dir: join(scratch.dir, 'repos') });
  const { url } = await server.createRepository('fleet');
  const clone = await WorkingClone.clone(url, join(scratch.dir, 'work'));
  await writeFile(join(clone.dir, 'large'), randomBytes(3_000_000));
  const commit = await clone.commit('Large');
  assert.equal(await git(['ls-remote', url, 'main']), `${commit}\trefs/heads/main`);
  assert.ok(server.counts.bytesIn > 3_000_000);
});

test('wrong credentials are refused, right ones are served, and refusals can be switched', async () => {
  await using scratch = await makeScratch('git');
  const auth = { user: 'ada', password: 'p@ss/word' };
  await using server = await startGitServer({ dir: join(scratch.dir, 'repos'), auth });
  const { url } = await server.createRepository('fleet', { from: await exampleDirectory(scratch.dir) });
  await assert.rejects(git(['ls-remote', url]), /Authentication failed|could not read/);
  const known = server.repositoryUrl('fleet', true);
  assert.match(await git(['ls-remote', known]), /refs\/heads\/main/);
  server.refuse(500);
  await assert.rejects(git(['ls-remote', known]), /500/);
  server.refuse(undefined);
  assert.match(await git(['ls-remote', known]), /refs\/heads\/main/);
  assert.equal((await fetch(`${server.url}/nothing.git/info/refs`)).status, 401);
});

test('a paused server answers when it is resumed, and stopping frees who waits', async () => {
  await using scratch = await makeScratch('git');
  await using server = await startGitServer({ dir: join(scratch.dir, 'repos') });
  const { url } = await server.createRepository('fleet', { from: await exampleDirectory(scratch.dir) });
  server.pause();
  let answered = false;
  const waiting = git(['ls-remote', url]).finally(() => {
    answered = true;
  });
  while (server.counts.requests === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answered, false);
  server.resume();
  assert.match(await waiting, /refs\/heads\/main/);
  server.pause();
  const before = server.counts.requests;
  const cut = assert.rejects(git(['ls-remote', url]));
  while (server.counts.requests === before) await new Promise((resolve) => setImmediate(resolve));
  await server.stop();
  await cut;
  await server.start();
  assert.match(await git(['ls-remote', url]), /refs\/heads\/main/);
});

test('the server as a process serves the same repositories after kill -9 and a restart', async () => {
  await using scratch = await makeScratch('git');
  await using server = await startGitServerProcess({ dir: join(scratch.dir, 'repos') });
  const { url } = await server.createRepository('fleet', { from: await exampleDirectory(scratch.dir) });
  const before = await git(['ls-remote', url]);
  await server.kill9();
  await assert.rejects(git(['ls-remote', url]), /refused|connect/i);
  await server.start();
  assert.equal(await git(['ls-remote', url]), before);
});

test('a CGI head gives status and headers', () => {
  assert.deepEqual(parseCgiHead('Status: 404 Not Found\r\nContent-Type: text/plain'), {
    status: 404,
    headers: { 'content-type': 'text/plain' },
  });
  assert.deepEqual(parseCgiHead('Expires: Fri: x'), { status: 200, headers: { expires: 'Fri: x' } });
});
