import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { createNkey } from '#proto/nkey.ts';
import { type Indexed, Indexer } from '../indexer.ts';
import { versionAt } from './version-at.ts';

export const never = new AbortController().signal;
const keys = new Map<string, string>();
export const keyOf = (name: string) => {
  const key = keys.get(name) ?? createNkey('user').publicKey;
  keys.set(name, key);
  return key;
};

export type Files = Record<string, string>;
type Tree = Record<string, string | { readonly link: string }>;
export const API = 'apiVersion: flotilla.dev/v1alpha1';
export const fleet = `${API}\nkind: Fleet\nmetadata: { name: acme }\nspec: { branch: main }\n`;
export const cluster = (name: string, labels: string, spec = '') =>
  `${API}\nkind: Cluster\nmetadata: { name: ${name}, labels: { ${labels} } }\nspec: { agent: { publicKeys: [${keyOf(name)}] }${spec} }\n`;
export const placement = (name: string, spec = 'selector: {}, path: apps/shop') =>
  `${API}\nkind: Placement\nmetadata: { name: ${name} }\nspec: { ${spec} }\n`;
export const overlay = (colour: string) => ({
  'apps/shop/kustomization.yaml': 'resources: [settings.yaml]\n',
  'apps/shop/settings.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { colour: ${colour} }\n`,
});
export const BASE: Files = {
  'flotilla.yaml': fleet,
  'clusters/east.yaml': cluster('east', 'env: prod'),
  'clusters/west.yaml': cluster('west', 'env: prod'),
  'placements/shop.yaml': placement('shop'),
  ...overlay('blue'),
};
export const BROKEN = 'apiVersion: [\n';

/** Commits with these files, one after the other; the oldest is 0. */
export async function history(...states: Tree[]) {
  const objects = new MemoryObjects();
  const commits: Awaited<ReturnType<MemoryObjects['readCommit']>>[] = [];
  for (const [i, files] of states.entries()) {
    const parents = commits.slice(-1).map(({ oid }) => oid);
    const oid = objects.commit(objects.snapshot(files), parents, `commit ${i}\n`, 1_700_000_000 + i);
    commits.push(await objects.readCommit(oid, never));
  }
  return { objects, commits, indexer: new Indexer(objects) };
}

/** Begins at the first commit and goes along the others, one by one. */
export async function follow(...states: Tree[]) {
  const { objects, commits, indexer } = await history(...states);
  const seen = [await indexer.begin(commits.slice(0, 1), never)];
  for (const commit of commits.slice(1)) seen.push(await indexer.advance([commit], never));
  return { objects, seen, oids: commits.map(({ oid }) => oid) };
}

export const versionOf = (indexed: Indexed | undefined, on: string, of = 'shop') =>
  indexed && versionAt(indexed, on, of);
