import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MemoryFile, MemoryObjects } from '#git/testing/memory-objects.ts';
import { type FaultCode, FlotillaError, type SourceLocation } from '#proto/faults.ts';
import { closureNode, faultsOf, NodeCache } from './closure.ts';

type Files = Record<string, MemoryFile>;

const CM = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n';

const REFUSALS: readonly [
  what: string,
  code: FaultCode,
  source: SourceLocation,
  message: RegExp,
  files: Files,
][] = [
  [
    'an http(s) resource',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 2, column: 3 },
    /an http\(s\) URL; vendor/,
    {
      'o/kustomization.yaml': 'resources:\n- https://example.com/a.yaml\n',
    },
  ],
  [
    'a file of a generator fetched by http',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 40 },
    /http:\/\/x\/y is an http/,
    {
      'o/kustomization.yaml': "configMapGenerator: [{name: a, files: ['k=http://x/y']}]\n",
    },
  ],
  [
    'a Git repository in short form',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /a Git repository/,
    {
      'o/kustomization.yaml': 'resources: [github.com/acme/base]\n',
    },
  ],
  [
    'a Git repository over SSH',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 14 },
    /a Git repository/,
    {
      'o/kustomization.yaml': 'components: ["git@example.com:acme/base"]\n',
    },
  ],
  [
    'a base of a base that is remote',
    'closure-refused',
    { file: 'b/kustomization.yaml', line: 1, column: 9 },
    /a URL/,
    {
      'o/kustomization.yaml': 'resources: [../b]\n',
      'b/kustomization.yaml': 'bases: [ssh://git@example.com/acme/base]\n',
    },
  ],
  [
    'a directory outside of the repository',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /leads out of the repository/,
    {
      'o/kustomization.yaml': 'resources: [../../etc]\n',
    },
  ],
  [
    'an absolute path',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 19 },
    /absolute path/,
    {
      'o/kustomization.yaml': 'patches: [{ path: /etc/passwd }]\n',
    },
  ],
  [
    'a file above the kustomization',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /\.\.\/a\.yaml lies outside of o/,
    {
      'o/kustomization.yaml': 'resources: [../a.yaml]\n',
      'a.yaml': CM,
    },
  ],
  [
    'a symlink to a file above the kustomization',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /a\.yaml lies outside of o/,
    {
      'o/kustomization.yaml': 'resources: [a.yaml]\n',
      'o/a.yaml': { link: '../a.yaml' },
      'a.yaml': CM,
    },
  ],
  [
    'a symlink out of the repository',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /the symlink o\/a\.yaml, which leads out/,
    {
      'o/kustomization.yaml': 'resources: [a.yaml]\n',
      'o/a.yaml': { link: '../../../etc/passwd' },
    },
  ],
  [
    'an absolute symlink',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /the symlink o\/d, which leads out/,
    {
      'o/kustomization.yaml': 'resources: [d/a.yaml]\n',
      'o/d': { link: '/etc' },
    },
  ],
  [
    'symlinks in a circle',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /too many symlinks/,
    {
      'o/kustomization.yaml': 'resources: [a]\n',
      'o/a': { link: 'b' },
      'o/b': { link: 'a' },
    },
  ],
  [
    'a submodule',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /the submodule vendor/,
    {
      'o/kustomization.yaml': 'resources: [../vendor/base]\n',
      vendor: { gitlink: '1'.repeat(40) },
    },
  ],
  [
    'a plugin that is a program',
    'closure-refused',
    { file: 'o/gen.yaml', line: 2, column: 7 },
    /example\.com\/v1 Exec is a plugin/,
    {
      'o/kustomization.yaml': 'generators: [gen.yaml]\n',
      'o/gen.yaml': 'apiVersion: example.com/v1\nkind: Exec\nmetadata: {name: x}\n',
    },
  ],
  [
    'an inline plugin that is a program',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 2, column: 3 },
    /v1 Exec is a plugin/,
    {
      'o/kustomization.yaml': 'transformers:\n- |-\n  apiVersion: v1\n  kind: Exec\n',
    },
  ],
  [
    'a plugin in a directory of configuration',
    'closure-refused',
    { file: 'g/x.yaml', line: 2, column: 7 },
    /is a plugin/,
    {
      'o/kustomization.yaml': 'transformers: [../g]\n',
      'g/kustomization.yaml': 'resources: [x.yaml]\n',
      'g/x.yaml': 'apiVersion: v1\nkind: Exec\n',
    },
  ],
  [
    'a chart that is not vendored',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 2, column: 3 },
    /chart web is not vendored in charts/,
    {
      'o/kustomization.yaml': 'helmCharts:\n- {name: web, repo: "https://charts.example"}\n',
    },
  ],
  [
    'a vendored chart with a symlink out of the charts',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 14 },
    /o\/charts\/web\/x is a submodule or a symlink/,
    {
      'o/kustomization.yaml': 'helmCharts: [{name: web}]\n',
      'o/charts/web/x': { link: '../../../secret' },
      secret: 'x',
    },
  ],
  [
    'a vendored chart with a symlink out of the repository',
    'closure-refused',
    { file: 'o/kustomization.yaml', line: 1, column: 14 },
    /o\/charts\/web\/x is a submodule or a symlink/,
    {
      'o/kustomization.yaml': 'helmCharts: [{name: web}]\n',
      'o/charts/web/x': { link: '../../../../etc' },
    },
  ],
  [
    'a file that does not exist',
    'closure-missing-file',
    { file: 'o/kustomization.yaml', line: 3, column: 3 },
    /gone\.yaml does not exist, neither as a file nor as a directory/,
    {
      'o/kustomization.yaml': 'resources:\n- a.yaml\n- gone.yaml\n',
      'o/a.yaml': CM,
    },
  ],
  [
    'a patch that does not exist',
    'closure-missing-file',
    { file: 'o/kustomization.yaml', line: 2, column: 9 },
    /gone\.yaml does not exist$/,
    {
      'o/kustomization.yaml': 'patches:\n- path: gone.yaml\n',
    },
  ],
  [
    'a file below a file',
    'closure-missing-file',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /does not exist/,
    {
      'o/kustomization.yaml': 'resources: [a.yaml/b]\n',
      'o/a.yaml': CM,
    },
  ],
  [
    'a directory without kustomization',
    'closure-missing-file',
    { file: 'b' },
    /has no kustomization\.yaml, kustomization\.yml, Kustomization/,
    {
      'o/kustomization.yaml': 'resources: [../b]\n',
      'b/a.yaml': CM,
    },
  ],
  [
    'a directory with two kustomizations',
    'closure-invalid',
    { file: 'o' },
    /o\/kustomization\.yaml, o\/Kustomization/,
    {
      'o/kustomization.yaml': 'resources: []\n',
      'o/Kustomization': 'resources: []\n',
    },
  ],
  [
    'a directory where a file belongs',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 40 },
    /d is a directory, but configMapGenerator\[0\]\.files\[0\] names a file/,
    {
      'o/kustomization.yaml': 'configMapGenerator: [{name: a, files: [d]}]\n',
      'o/d/x': '1',
    },
  ],
  [
    'a file where a component belongs',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 14 },
    /a component is a directory/,
    {
      'o/kustomization.yaml': 'components: [a.yaml]\n',
      'o/a.yaml': CM,
    },
  ],
  [
    'a component among the resources',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /c is a component; it belongs under components, not under resources/,
    {
      'o/kustomization.yaml': 'resources: [../c]\n',
      'c/kustomization.yaml': 'kind: Component\nnamePrefix: a\n',
    },
  ],
  [
    'a base among the components',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 14 },
    /b is no component/,
    {
      'o/kustomization.yaml': 'components: [../b]\n',
      'b/kustomization.yaml': 'namePrefix: a\n',
    },
  ],
  [
    'a broken kustomization',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 2, column: 1 },
    /./,
    {
      'o/kustomization.yaml': 'resources: [a.yaml\n',
    },
  ],
  [
    'an unknown field',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 2, column: 13 },
    /unknown field ressources; did you mean resources\?/,
    {
      'o/kustomization.yaml': 'namePrefix: x\nressources: [a.yaml]\n',
    },
  ],
  [
    'one field in two cases',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 2, column: 12 },
    /resources and Resources are the same field/,
    {
      'o/kustomization.yaml': 'resources: []\nResources: []\n',
    },
  ],
  [
    'a field of the wrong shape',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 12 },
    /resources must be a list/,
    {
      'o/kustomization.yaml': 'resources: a.yaml\n',
    },
  ],
  [
    'an entry that is no text',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /resources\[0\] must be text/,
    {
      'o/kustomization.yaml': 'resources: [3]\n',
    },
  ],
  [
    'an empty kustomization',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 1 },
    /is empty/,
    {
      'o/kustomization.yaml': '# nothing\n',
    },
  ],
  [
    'a kustomization that is not UTF-8',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 1 },
    /not UTF-8/,
    {
      'o/kustomization.yaml': Buffer.from([0xff, 0xfe, 0x41]),
    },
  ],
  [
    'a keyed file without key',
    'closure-invalid',
    { file: 'o/kustomization.yaml', line: 1, column: 40 },
    /neither a path nor key=path/,
    {
      'o/kustomization.yaml': 'configMapGenerator: [{name: a, files: ["=x"]}]\n',
    },
  ],
  [
    'a kustomization that reads itself',
    'closure-cycle',
    { file: 'o/kustomization.yaml', line: 1, column: 13 },
    /reads o, which leads back to o/,
    {
      'o/kustomization.yaml': 'resources: [.]\n',
    },
  ],
  [
    'a base that contains its overlay',
    'closure-cycle',
    { file: 'b/o/kustomization.yaml', line: 1, column: 13 },
    /reads b, and so b, which contains b\/o/,
    {
      'o/kustomization.yaml': 'resources: [../b/o]\n',
      'b/o/kustomization.yaml': 'resources: [..]\n',
      'b/kustomization.yaml': 'namePrefix: x\n',
    },
  ],
  [
    'two kustomizations that read each other',
    'closure-cycle',
    { file: 'b/kustomization.yaml', line: 1, column: 13 },
    /reads o, which leads back to o/,
    {
      'o/kustomization.yaml': 'resources: [../b]\n',
      'b/kustomization.yaml': 'resources: [../o]\n',
    },
  ],
];

for (const [what, code, source, message, files] of REFUSALS) {
  test(`${what} is refused as ${code} with its place`, async () => {
    const store = new MemoryObjects();
    const { signal } = new AbortController();
    await assert.rejects(closureNode(store, store.snapshot(files), 'o', new NodeCache(), signal), (error) => {
      assert.ok(error instanceof FlotillaError, String(error));
      assert.equal(error.code, code, error.message);
      assert.deepEqual(error.source, source);
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(source.file), error.message);
      return true;
    });
  });
}

test('references that lead nowhere are told at once, those of bases too, each with its place', async () => {
  const store = new MemoryObjects();
  const { signal } = new AbortController();
  const tree = store.snapshot({
    'o/kustomization.yaml': `resources:\n- https://example.com/a.yaml\n- ../b\n- ../none\n`,
    'b/kustomization.yaml': 'resources: [x.yaml, ../c]\npatches: [{ path: p.yaml }]\n',
    'c/readme.md': 'No kustomization.\n',
  });
  const cache = new NodeCache();
  for (const _ of ['read', 'from the cache'])
    await assert.rejects(closureNode(store, tree, 'o', cache, signal), (error) => {
      assert.ok(error instanceof FlotillaError, String(error));
      assert.equal(error.code, 'closure-refused');
      const faults = faultsOf(error);
      assert.deepEqual(
        faults.map(({ code, source }) => [code, source?.file, source?.line, source?.column]),
        [
          ['closure-refused', 'o/kustomization.yaml', 2, 3],
          ['closure-missing-file', 'o/kustomization.yaml', 4, 3],
          ['closure-missing-file', 'b/kustomization.yaml', 1, 13],
          ['closure-missing-file', 'b/kustomization.yaml', 2, 19],
          ['closure-missing-file', 'c', undefined, undefined],
        ],
      );
      assert.equal(error.message, faults.map(({ message }) => message).join('\n'));
      return true;
    });
});
