import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparseObjects } from '#git/sparse.ts';
import { fastImport } from '#git/testing/fast-import.ts';
import { openRemote, openRepository, startGitHost } from '#git/testing/git-host.ts';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { readClosure } from './closure.ts';

const { signal } = new AbortController();

test('over a real Git server a closure costs requests by its depth, and has the node that it has in memory', async (t) => {
  const names = Array.from({ length: 40 }, (_, index) => `r${index}.yaml`);
  const files: Record<string, string> = {
    'apps/web/prod/kustomization.yaml': 'resources: [../base]\npatches: [{path: p.yaml}]\n',
    'apps/web/prod/p.yaml': 'kind: X\n',
    'apps/web/base/kustomization.yaml': `resources: [${names.join(', ')}]\n`,
    ...Object.fromEntries(names.map((name) => [`apps/web/base/${name}`, `kind: ${name}\n`])),
    ...Object.fromEntries(names.map((name) => [`apps/other/${name}`, `kind: other ${name}\n`])),
  };
  const host = await startGitHost(t);
  host.config('uploadpack.allowFilter', 'true');
  const tip = host.import(fastImport([{ files }]));
  const remote = openRemote(t, host.url);
  const objects = new SparseObjects(remote, await openRepository(t));
  const { tree } = await objects.readCommit(tip, signal);
  const before = remote.stats.requests;
  const closure = await readClosure(objects, tree, 'apps/web/prod', {}, signal);
  assert.equal(
    remote.stats.requests - before,
    8,
    'four trees, a kustomization, the base with its tree and kustomization, and all other files at once',
  );
  assert.equal(closure.files.size, 43);
  const memory = new MemoryObjects();
  const root = memory.snapshot(files);
  assert.equal(root, tree);
  assert.equal((await readClosure(memory, root, 'apps/web/prod', {}, signal)).node, closure.node);
});
