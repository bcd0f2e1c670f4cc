import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MemoryFile, MemoryObjects } from '#git/testing/memory-objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import { canonicalJson } from '#proto/canonical.ts';
import { FlotillaError } from '#proto/faults.ts';
import fc from '#test/laws.ts';
import { NodeCache } from './closure.ts';
import { type AssignmentClosure, digestOf } from './digest.ts';
import { openEngine } from './engine.ts';
import { renderAssignment } from './render.ts';
import { type Repository, ROOT, repositories } from './testing/repository.ts';

/** The laws of digests over repositories with bases, components, patches, generators, transformers, symlinks and values. */
const { signal } = new AbortController();

const assignment = (over: Partial<Assignment> = {}): Assignment => ({
  cluster: 'c1',
  placement: 'web',
  path: ROOT,
  components: [],
  createNamespace: false,
  prune: true,
  values: { size: { value: 3, from: 'clusters/c1.yaml' } },
  apiVersions: [],
  ...over,
});

async function digestIn(files: Repository, one = assignment()): Promise<AssignmentClosure> {
  const store = new MemoryObjects();
  return digestOf(store, store.snapshot(files), one, new NodeCache(), signal);
}

/** The digest, or the code of the fault that keeps one from being there. */
async function outcomeIn(files: Repository): Promise<string> {
  try {
    return (await digestIn(files)).digest;
  } catch (error) {
    if (error instanceof FlotillaError) return error.code;
    throw error;
  }
}

const pick = <Item>(from: readonly Item[], at: number): Item => from[at % from.length]!;
const without = (files: Repository, path: string): Repository => {
  const { [path]: _, ...rest } = files;
  return rest;
};
/** The same bytes as a program, or no program any more; symlinks have no such thing. */
function switched(file: MemoryFile): MemoryFile {
  if (typeof file === 'string') return { program: file };
  return typeof file === 'object' && 'program' in file ? file.program : file;
}
function changed(file: MemoryFile): MemoryFile {
  if (typeof file === 'string') return `${file}\n# changed`;
  return typeof file === 'object' && 'link' in file ? { link: `./${file.link}` } : file;
}

test('touching a file of the closure always changes the digest, and removing one leaves no digest or another', async () => {
  await fc.assert(
    fc.asyncProperty(repositories, async (files) => {
      const { digest, files: inside } = await digestIn(files);
      for (const path of inside) {
        assert.ok(path in files, path);
        const touched = { ...files, [path]: changed(files[path]!) };
        assert.notEqual(await outcomeIn(touched), digest, `${path} changed`);
        assert.notEqual(await outcomeIn(without(files, path)), digest, `${path} removed`);
      }
    }),
    { numRuns: 50 },
  );
});

test('adding, changing, removing or replacing what is outside of the closure never changes the digest', async () => {
  const content = fc.oneof(
    fc.string(),
    fc.constant({ link: 'README.md' }),
    fc.constant({ link: '../../..' }),
  );
  await fc.assert(
    fc.asyncProperty(repositories, fc.nat(), fc.nat(), content, async (files, at, place, text) => {
      const { digest, files: inside, directories } = await digestIn(files);
      const outside = Object.keys(files).filter((path) => !inside.includes(path));
      const path = pick(outside, at);
      const fresh = `${pick([...directories, 'zzz', 'apps/d9'], place)}/unread.yaml`;
      for (const [what, variant] of [
        ['added', { ...files, [fresh]: text }],
        ['changed', { ...files, [path]: text }],
        ['removed', without(files, path)],
      ] as const)
        assert.equal(await outcomeIn(variant), digest, `${what} ${what === 'added' ? fresh : path}`);
    }),
    { numRuns: 120 },
  );
});

test('what may be run as a program renders as before, wherever it stands, and has the same digest', async () => {
  await fc.assert(
    fc.asyncProperty(repositories, fc.nat(), async (files, at) => {
      const path = pick(Object.keys(files), at);
      const { digest } = await digestIn(files);
      assert.equal(await outcomeIn({ ...files, [path]: switched(files[path]!) }), digest, path);
    }),
    { numRuns: 80 },
  );
});

const steady = openEngine();
const cache = new NodeCache();

/** Objects and their hash, or why there are none; places are left out, because they may move. */
async function rendered(
  files: Repository,
  one: Assignment,
  renderer = steady,
  nodes = cache,
): Promise<string> {
  const objects = new MemoryObjects();
  const rootTree = objects.snapshot(files);
  try {
    const made = await renderAssignment(
      { objects, rootTree, assignment: one, renderer, cache: nodes },
      signal,
    );
    return canonicalJson([made.objects, made.renderHash]);
  } catch (error) {
    if (error instanceof FlotillaError) return error.code;
    throw error;
  }
}

test('equal digests render equal: in another place, for another cluster, beside other files, with a warm engine or a new one', async () => {
  const byDigest = new Map<string, string>();
  let objects = 0;
  const under = fc.constantFrom('', 'moved/', 'a/b/c/');
  const values = fc.constantFrom(3, 4, '3').map((value) => ({ size: { value, from: 'x' } }));
  const over = fc.record({ cluster: fc.constantFrom('c1', 'c2'), values, prune: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(repositories, over, under, fc.nat(), async (files, more, prefix, at) => {
      const moved: Repository = Object.fromEntries(
        Object.entries(files).map(([path, file]) => [`${prefix}${path}`, file]),
      );
      const touched = pick(Object.keys(moved), at);
      for (const variant of [moved, { ...moved, [touched]: changed(moved[touched]!) }]) {
        const one = assignment({ ...more, path: `${prefix}${ROOT}` });
        const text = await rendered(variant, one);
        assert.equal(
          text,
          await rendered(variant, one, openEngine(), new NodeCache()),
          'nothing is left over',
        );
        if (text.startsWith('[')) objects++;
        const { digest } = await digestIn(variant, one).catch(() => ({ digest: undefined }));
        if (digest === undefined) continue;
        assert.equal(byDigest.get(digest) ?? text, text);
        byDigest.set(digest, text);
      }
      const here = await digestIn(files, assignment(more));
      const there = await digestIn(moved, assignment({ ...more, path: `${prefix}${ROOT}` }));
      assert.equal(there.digest, here.digest, 'no path is in it');
      assert.equal(there.overlay.node, here.overlay.node);
      assert.equal(await rendered(files, assignment(more)), byDigest.get(here.digest));
    }),
    { numRuns: 80 },
  );
  assert.ok(objects > 80, `only ${objects} of 160 rendered`);
});
