import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import { openEngine } from './engine.ts';
import { renderAssignment } from './render.ts';

const { signal } = new AbortController();
const map = (name: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {of: "\${of}"}\n`;
const FILES = {
  'apps/one/kustomization.yaml':
    'resources: [../../shared, own, list.yaml]\nnamePrefix: one-\ncomponents: [../../more]\n',
  'apps/one/own/kustomization.yaml':
    'resources: [map.yaml]\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n',
  'apps/one/own/map.yaml': map('same'),
  'apps/one/list.yaml': `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: listed}}\n`,
  'apps/two/kustomization.yaml': 'resources: [../../shared, own]\n',
  'apps/two/own/kustomization.yaml':
    'resources: [map.yaml]\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n',
  'apps/two/own/map.yaml': map('same'),
  'shared/kustomization.yaml': 'resources: [a.yaml]\n',
  'shared/a.yaml': map('shared'),
  'more/kustomization.yaml':
    'kind: Component\nresources: [c.yaml]\npatches: [{path: p.yaml}]\nconfigMapGenerator: [{name: made, behavior: merge, literals: [c=d]}]\n',
  'more/c.yaml': map('component'),
  'more/p.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {b: patched}\n',
};

test('every object is known with the file that it comes from, also where equal directories are gathered once', async () => {
  const store = new MemoryObjects();
  const rootTree = store.snapshot(FILES);
  const renderer = openEngine();
  const sourcesOf = async (path: string) => {
    const assignment: Assignment = {
      ...{ cluster: 'c', placement: 'p', path, components: [], prune: true, apiVersions: [] },
      ...{ namespace: 'web', createNamespace: true, values: { of: { value: path, from: 'a test' } } },
    };
    const { objects, sources } = await renderAssignment(
      { objects: store, rootTree, assignment, renderer },
      signal,
    );
    const names = objects.map(
      ({ kind, metadata }) => `${kind} ${metadata.name.replace(/-[a-z0-9]{10}$/, '')}`,
    );
    return Object.fromEntries(names.map((name, index) => [name, sources[index]]));
  };
  const one = {
    'Namespace web': null,
    'ConfigMap one-shared': 'shared/a.yaml',
    'ConfigMap one-same': 'apps/one/own/map.yaml',
    'ConfigMap one-made': 'apps/one/own/kustomization.yaml',
    'Secret one-listed': 'apps/one/list.yaml',
    'ConfigMap one-component': 'more/c.yaml',
  };
  const two = {
    'Namespace web': null,
    'ConfigMap shared': 'shared/a.yaml',
    'ConfigMap same': 'apps/two/own/map.yaml',
    'ConfigMap made': 'apps/two/own/kustomization.yaml',
  };
  for (const [path, expected] of [
    ['apps/one', one],
    ['apps/two', two],
    ['apps/one', one],
  ] as const)
    assert.deepEqual(await sourcesOf(path), expected);
});
