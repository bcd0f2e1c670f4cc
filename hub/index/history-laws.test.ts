import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Commit } from '#git/objects.ts';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { createNkey } from '#proto/nkey.ts';
import fc from '#test/laws.ts';
import { type Indexed, Indexer } from './indexer.ts';
import type { Kept } from './kept.ts';
import { missingOf, recall } from './recall.ts';
import { decodeIndex } from './saved/decode.ts';
import { encodeIndex } from './saved/encode.ts';

/**
 * The versions of a placement over random histories, held to an oracle that keeps nothing but their names: what each of them gives today's
 * clusters it works out anew at every commit, one cluster at a time, from a repository made up for that.
 */
const never = new AbortController().signal;
const API = 'apiVersion: flotilla.dev/v1alpha1';
const NAMES = ['east', 'north', 'west'] as const;
type Name = (typeof NAMES)[number];
const KEYS = { east: key(), north: key(), west: key() };
const BROKEN = 'kind: [\n';
const MOST = 8;

function key(): string {
  return createNkey('user').publicKey;
}

const entry = (...more: string[]) =>
  fc.record({ is: fc.constantFrom('prod', 'dev', ...more), size: fc.constantFrom(0, 0, 1, 2) });
const stateOf = (broken: readonly string[], absent: readonly string[]) =>
  fc.record({
    fleet: fc.constantFrom('valid', 'valid', 'valid', 'valid', ...broken),
    east: entry('absent', ...broken),
    north: entry('prod', 'absent'),
    west: entry(),
    shop: fc.constantFrom('all', 'prod', 'by-env', 'valued', 'valued', 'absent', ...broken),
    shared: fc.constantFrom('red', 'red', 'blue', ...broken),
    base: fc.constantFrom('a', 'a', 'b'),
    dev: fc.constantFrom('a', 'a', 'b', ...absent),
    note: fc.nat(1),
  });
const anything = stateOf(['broken'], ['absent']);
const whole = stateOf([], []);
type State = typeof anything extends fc.Arbitrary<infer T> ? T : never;

const SHOPS: Record<string, string> = {
  all: 'selector: {}, path: apps/prod',
  prod: 'selector: { matchLabels: { env: prod } }, path: apps/prod',
  'by-env': 'selector: {}, path: "apps/{env}"',
  valued: 'selector: {}, path: apps/prod, values: { optional: { colour: grey, size: 0 } }',
};

function entryText(name: Name, { is, size }: State[Name]): string {
  if (is === 'broken') return BROKEN;
  const values = size > 0 ? `, values: { size: ${size} }` : '';
  return `${API}\nkind: Cluster\nmetadata: { name: ${name}, labels: { env: ${is} } }\nspec: { agent: { publicKeys: [${KEYS[name]}] }${values} }\n`;
}

function restOf({ fleet, shop, shared, base, dev, note }: State): Record<string, string> {
  return {
    'flotilla.yaml':
      fleet === 'valid' ? `${API}\nkind: Fleet\nmetadata: { name: acme }\nspec: { branch: main }\n` : BROKEN,
    ...(shop !== 'absent' && {
      'placements/shop.yaml':
        shop === 'broken'
          ? BROKEN
          : `${API}\nkind: Placement\nmetadata: { name: shop }\nspec: { ${SHOPS[shop]} }\n`,
    }),
    'values/all.yaml':
      shared === 'broken'
        ? BROKEN
        : `${API}\nkind: Values\nmetadata: { name: all }\nspec: { selector: {}, values: { colour: ${shared} } }\n`,
    'base/kustomization.yaml': `namePrefix: ${base}-\n`,
    'apps/prod/kustomization.yaml': 'resources: [../../base]\n',
    ...(dev !== 'absent' && { 'apps/dev/kustomization.yaml': `namePrefix: ${dev}-\n` }),
    'note.md': `${note}`,
  };
}

function filesOf(state: State): Record<string, string> {
  const entries = NAMES.filter((name) => state[name].is !== 'absent');
  return {
    ...restOf(state),
    ...Object.fromEntries(entries.map((name) => [`clusters/${name}.yaml`, entryText(name, state[name])])),
  };
}

async function commitsOf(states: readonly State[]) {
  const objects = new MemoryObjects();
  const commits: Commit[] = [];
  for (const [i, one] of states.entries()) {
    const parents = commits.slice(-1).map(({ oid }) => oid);
    const oid = objects.commit(objects.snapshot(filesOf(one)), parents, `commit ${i}\n`, 1_700_000_000 + i);
    commits.push(await objects.readCommit(oid, never));
  }
  return { objects, commits };
}

/** What one revision gives one cluster with the entry of another one. */
const resolutions = new Map<string, Promise<string | 'unselected' | undefined>>();
function resolve(state: State, name: Name, of: State[Name]): Promise<string | 'unselected' | undefined> {
  const files = { ...restOf(state), [`clusters/${name}.yaml`]: entryText(name, of) };
  const key = JSON.stringify(files);
  const known = resolutions.get(key) ?? resolveAlone(files, name);
  resolutions.set(key, known);
  return known;
}

async function resolveAlone(files: Record<string, string>, name: Name) {
  const objects = new MemoryObjects();
  const commit = await objects.readCommit(objects.commit(objects.snapshot(files)), never);
  const { rows } = await new Indexer(objects).begin([commit], never);
  const row = rows.get(name)?.get('shop');
  return row ? row.read?.digest : 'unselected';
}

type Digests = ReadonlyMap<Name, string>;
type Named = { at: number; isDeletion: boolean };
/** An entry in force: where it stood, where its labels come from, and whether what stands there now is invalid. */
type InForce = { is: State[Name]; origin: number; invalid: boolean };

class Oracle {
  readonly #states: readonly State[];
  /** At each commit. */
  readonly #entries: Map<Name, InForce>[] = [];
  #shop: 'none' | 'valid' | 'document' | 'values' = 'none';
  #declares = false;
  #names: Named[] = [];
  #maps = new Map<number, Digests>();
  /** Relabelled while the placement is invalid: where the labels come from that it still sees. */
  #behind = new Map<Name, InForce>();
  /** When it last went on to see what it had not seen: the entry as it was then counts. */
  readonly #caughtUp = new Map<Name, number>();

  constructor(states: readonly State[]) {
    this.#states = states;
  }

  get versions(): { at: number; map: Digests }[] {
    return this.#names.map(({ at }) => ({ at, map: this.#maps.get(at)! }));
  }

  async step(t: number): Promise<void> {
    const state = this.#states[t]!;
    const was = this.#entries.at(-1) ?? new Map<Name, InForce>();
    if (state.fleet !== 'valid') {
      this.#entries.push(was);
      return;
    }
    const entries = new Map<Name, InForce>();
    for (const name of NAMES) {
      const is = state[name];
      const before = was.get(name);
      if (is.is === 'broken' && before) entries.set(name, { ...before, invalid: true });
      else if (is.is !== 'broken' && is.is !== 'absent') {
        const origin = before?.is.is === is.is ? before.origin : t;
        entries.set(name, { is, origin, invalid: false });
      }
    }
    this.#entries.push(entries);
    if (state.shop === 'broken') this.#shop = this.#shop === 'none' ? 'none' : 'document';
    else if (state.shop === 'absent') this.#shop = 'none';
    else {
      this.#declares = state.shop === 'valued';
      this.#shop = this.#declares && state.shared === 'broken' ? 'values' : 'valid';
    }
    const behind = new Map<Name, InForce>();
    for (const [name, now] of this.#shop === 'document' ? entries : []) {
      const before = was.get(name);
      const seen = this.#behind.get(name) ?? before;
      if (before && (this.#behind.has(name) || now.origin !== before.origin)) behind.set(name, seen!);
    }
    for (const name of this.#behind.keys()) if (!behind.has(name)) this.#caughtUp.set(name, t);
    this.#behind = behind;
    const maps = new Map<number, Digests>();
    let last: Digests | undefined;
    for (const { at, isDeletion } of this.#names) {
      last = isDeletion ? new Map() : await this.#map(at, entries, last);
      maps.set(at, last);
    }
    this.#maps = maps;
    if (this.#shop === 'valid') this.#add({ at: t, isDeletion: false }, await this.#map(t, entries, last));
    if (this.#shop === 'none' && this.#names.length > 0) this.#add({ at: t, isDeletion: true }, new Map());
    this.#names = this.#names
      .filter(({ at }, i, all) => i === 0 || !isSame(maps.get(all[i - 1]!.at), maps.get(at)))
      .slice(-MOST);
  }

  #add(name: Named, map: Digests): void {
    this.#names.push(name);
    this.#maps.set(name.at, map);
  }

  async #map(at: number, entries: ReadonlyMap<Name, InForce>, before: Digests | undefined): Promise<Digests> {
    const map = new Map<Name, string>();
    for (const [name, now] of entries) {
      const seen = this.#behind.get(name) ?? now;
      const origin = Math.max(seen.origin, this.#caughtUp.get(name) ?? 0);
      const then = this.#entries[Math.max(at, origin)]!.get(name);
      const was = this.#maps.get(at)?.get(name);
      const digest =
        then && !(then.invalid && origin <= at) ? await resolve(this.#states[at]!, name, then.is) : undefined;
      const given = digest ?? was ?? before?.get(name);
      if (given !== undefined && given !== 'unselected') map.set(name, given);
    }
    return map;
  }
}

const isSame = (a: Digests | undefined, b: Digests | undefined) =>
  a?.size === b?.size && [...(a ?? [])].every(([name, digest]) => b?.get(name) === digest);

const keptOf = ({ lines, retired }: Indexed): Kept => (lines.get('shop') ?? retired.get('shop'))?.kept ?? [];

/** Names and maps, as both sides tell them. */
const toldBy = (kept: Kept, commits: readonly Commit[]) =>
  kept.map(({ revision, contents }) => [
    commits.findIndex(({ oid }) => oid === revision),
    Object.fromEntries([...contents].map(([name, { digest }]) => [name, digest]).sort()),
  ]);
const toldByOracle = (oracle: Oracle) =>
  oracle.versions.map(({ at, map }) => [at, Object.fromEntries([...map].sort())]);

test('versions are those that are worked out from nothing at every commit, also over restarts', async () => {
  const histories = fc.array(fc.tuple(anything, fc.boolean()), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => {
      const states = steps.map(([state]) => state);
      const { objects, commits } = await commitsOf(states);
      const textOf = async (blob: string) => new TextDecoder().decode(await objects.readBlob(blob, never));
      const oracle = new Oracle(states);
      let indexer = new Indexer(objects);
      let before: Kept = [];
      for (const [t, commit] of commits.entries()) {
        if (t === 0) await indexer.begin([commit], never);
        else {
          if (steps[t]![1]) {
            const saved = decodeIndex(await encodeIndex(indexer.saved!, textOf));
            indexer = new Indexer(objects);
            await indexer.resume(saved!, never);
            const again = keptOf(indexer.current!);
            assert.deepEqual(wholly(again), wholly(before), 'what was saved is what is read');
            before = again;
          }
          await indexer.advance([commit], never);
        }
        await oracle.step(t);
        const kept = keptOf(indexer.current!);
        assert.deepEqual(toldBy(kept, commits), toldByOracle(oracle), `at commit ${t}`);
        for (const [i, version] of kept.entries()) {
          const was = before.find(({ revision }) => revision === version.revision);
          if (i > 0) assert.ok(version.at > kept[i - 1]!.at);
          if (was && JSON.stringify(wholly([was])) === JSON.stringify(wholly([version])))
            assert.equal(version, was, 'the same object');
        }
        if (kept.length > 0 && kept.length === before.length && kept.every((one, i) => one === before[i]))
          assert.equal(kept, before, 'the same array');
        await assertReadable(kept, states, commits);
        before = kept;
      }
    }),
    { numRuns: 150 },
  );
});

const wholly = (kept: Kept) =>
  kept.map(({ revision, at, authors, contents, source }) => [
    revision,
    at,
    authors,
    [...contents].sort(([a], [b]) => (a < b ? -1 : 1)),
    source?.name,
    source?.tree,
  ]);

/** What an agent reads at the revisions that are told has the digest that is told. */
async function assertReadable(kept: Kept, states: readonly State[], commits: readonly Commit[]) {
  const at = (oid: string) => states[commits.findIndex((commit) => commit.oid === oid)]!;
  for (const { revision, contents } of kept)
    for (const [name, content] of contents) {
      const read = await resolve(
        at(content.revision ?? revision),
        name as Name,
        at(content.entryRevision)[name as Name],
      );
      assert.equal(read, content.digest, `${name} of ${revision}`);
    }
}

test('versions that are wanted are read again from Git, and the head is named by the first that is like it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(whole, { minLength: 1, maxLength: 8 }), fc.nat(255), async (states, some) => {
      const { objects, commits } = await commitsOf(states);
      const steady = new Indexer(objects);
      await steady.begin(commits.slice(0, 1), never);
      for (const commit of commits.slice(1)) await steady.advance([commit], never);
      const all = keptOf(steady.current!);
      const wanted = new Map([
        ['shop', new Set(all.filter((_, i) => some & (1 << i)).map((one) => one.revision))],
      ]);
      const fresh = new Indexer(objects);
      const cold = await fresh.begin(commits.toReversed(), never);
      const again = keptOf(await recall(cold, wanted, missingOf(cold, wanted), objects, never));
      const expected = all.filter((one) => wanted.get('shop')!.has(one.revision));
      // Of a placement that is gone, whose deletion alone is wanted, nothing says what it was.
      if (!expected.some(({ source }) => source)) return;
      const head = toldBy(all.slice(-1), commits).map(([, map]) => [commits.length - 1, map]);
      const isLike = expected.at(-1)!.contents.equals(all.at(-1)!.contents);
      assert.deepEqual(toldBy(again, commits), [...toldBy(expected, commits), ...(isLike ? [] : head)]);
      await assertReadable(again, states, commits);
    }),
    { numRuns: 100 },
  );
});
