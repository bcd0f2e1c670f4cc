type Tree = { files: Record<string, string | Uint8Array>; symlinks?: Record<string, string> };
type Hostile = { readonly what: string; readonly make: () => Tree; readonly refused: RegExp | undefined };

const OBJECT = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';
const over = (resource: string | Uint8Array, kustomization = ''): Tree => ({
  files: { 'app/kustomization.yaml': `resources: [r.yaml]\n${kustomization}`, 'app/r.yaml': resource },
});
const BOMB = `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(9)}*a${n}]\n`).join('')}`;
const ladder = (steps: number) =>
  Array.from({ length: steps }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('');

/** Every base holds the one below it twice, under other names. */
function doubling(levels: number): Tree {
  const files: Record<string, string> = { 'app/kustomization.yaml': 'resources: [../d0]\n' };
  for (let level = 0; level < levels; level++) {
    files[`d${level}/kustomization.yaml`] = `resources: [../l${level}, ../r${level}]\n`;
    for (const side of ['l', 'r'])
      files[`${side}${level}/kustomization.yaml`] = `namePrefix: ${side}\nresources: [../d${level + 1}]\n`;
  }
  files[`d${levels}/kustomization.yaml`] = 'resources: [o.yaml]\n';
  files[`d${levels}/o.yaml`] = OBJECT;
  return { files };
}

const EVIL = '(a+)+(b|a?)*$';
const LONG = 'a'.repeat(60);
const NAMED = OBJECT.replace('name: a', `name: ${LONG}, labels: {x: ${LONG}}`);

/** Overlays that mean harm, each with what refuses it; nothing where it is harmless once it is done right. */
export const HOSTILE: Readonly<Record<string, Hostile>> = Object.fromEntries(
  (
    [
      ['an alias bomb in a manifest', () => over(`${OBJECT}${BOMB}`), /more than/],
      ['an alias bomb in a kustomization', () => over(OBJECT, BOMB), /more than|unknown/],
      [
        'an alias bomb in a patch',
        () => over(OBJECT, `patches:\n- patch: |\n    ${BOMB.replaceAll('\n', '\n    ')}\n`),
        /more than/,
      ],
      ['100,000 open brackets', () => over(`${OBJECT}data: ${'['.repeat(100_000)}`), /nested/],
      [
        '100,000 open braces in a kustomization',
        () => over(OBJECT, `images: ${'{a: '.repeat(100_000)}`),
        /more than/,
      ],
      ['100,000 dashes on a line', () => over(`${OBJECT}data:\n  ${'- '.repeat(100_000)}x\n`), /nested/],
      [
        '100,000 nested lists and maps of JSON',
        () => over(`${'{"a":['.repeat(50_000)}1${']}'.repeat(50_000)}`),
        /nested/,
      ],
      [
        'a ladder of 2,000 steps',
        () => over(`${OBJECT}data:\n${ladder(2_000).replace(/^/gm, ' ')}`),
        /nested/,
      ],
      ['a file of 100 MB', () => over(Buffer.alloc(100 << 20, 'a: b\n')), /bytes|MB|large/],
      [
        'a kustomization of 100 MB',
        () => ({ files: { 'app/kustomization.yaml': Buffer.alloc(100 << 20, '# x\n') } }),
        /bytes|MB|large/,
      ],
      [
        '100 MB in a generator',
        () => ({
          files: {
            'app/kustomization.yaml': 'configMapGenerator: [{name: a, files: [big]}]\n',
            'app/big': Buffer.alloc(100 << 20),
          },
        }),
        /bytes|MB|large/,
      ],
      [
        '15 MB of a scalar that is not plainly written',
        () => over(`${OBJECT}data: !!str "${'x'.repeat(15 << 20)}"\n`),
        /larger/,
      ],
      [
        '4 MB of items that are not plainly written',
        () => over(`${OBJECT}data:\n${'- ! a\n'.repeat(650_000)}`),
        /more than/,
      ],
      ['4 MB of flow items', () => over(`${OBJECT}data: [${'a,'.repeat(2_000_000)}! a]\n`), /more than/],
      ['4 MB of empty anchors', () => over(`${OBJECT}data:\n${'- &a\n'.repeat(750_000)}`), /more than/],
      [
        '4 MB of question marks',
        () => over(`${OBJECT}data:\n${'  ? a\n'.repeat(650_000)}`),
        /more than|twice/,
      ],
      [
        '4 MB of comments and a tag',
        () => over(`${OBJECT}${'#\n'.repeat(2_000_000)}data: !!map {}\n`),
        /more than/,
      ],
      [
        '4 MB of blank lines in quotes',
        () => over(`${OBJECT}data:\n  a: "${'\n'.repeat(4_000_000)}"\n`),
        /more than/,
      ],
      [
        'bases in a circle',
        () => ({
          files: {
            'app/kustomization.yaml': 'resources: [../b]\n',
            'b/kustomization.yaml': 'resources: [../app]\n',
          },
        }),
        /leads back/,
      ],
      [
        'a base that is itself',
        () => ({ files: { 'app/kustomization.yaml': 'resources: [.]\n' } }),
        /leads back/,
      ],
      [
        'symlinks in a circle',
        () => ({
          files: { 'app/kustomization.yaml': 'resources: [a]\n' },
          symlinks: { 'app/a': 'b', 'app/b': 'a' },
        }),
        /too many symlinks/,
      ],
      [
        'a symlink to the directory around it',
        () => ({
          files: { 'app/kustomization.yaml': 'resources: [a/a/a/a/a/a]\n' },
          symlinks: { 'app/a': '../app' },
        }),
        /leads back/,
      ],
      [
        'a chain of 10,000 bases',
        () => ({
          files: Object.fromEntries(
            Array.from({ length: 10_000 }, (_, n) => [
              `${n === 0 ? 'app' : `b${n}`}/kustomization.yaml`,
              `resources: [../b${n + 1}]\n`,
            ]),
          ),
        }),
        /deep|nested|more than/,
      ],
      ['bases that double 15 times', () => doubling(15), /objects|more than|deep/],
      ['a million documents', () => over('---\na: 1\n'.repeat(1_000_000)), /more than/],
      [
        'a million objects in a list',
        () => over(`apiVersion: v1\nkind: List\nitems:\n${'- {kind: A}\n'.repeat(1_000_000)}`),
        /objects|more than/,
      ],
      [
        'a million objects in 100 files',
        () => ({
          files: {
            'app/kustomization.yaml': `resources:\n${Array.from({ length: 100 }, (_, n) => `- ${n}.yaml\n`).join('')}`,
            ...Object.fromEntries(
              Array.from({ length: 100 }, (_, n) => [`app/${n}.yaml`, '---\nkind: A\n'.repeat(10_000)]),
            ),
          },
        }),
        /no metadata.name/,
      ],
      [
        'a million literals',
        () => ({
          files: {
            'app/kustomization.yaml': `configMapGenerator:\n- name: a\n  literals:\n${'  - a=b\n'.repeat(1_000_000)}`,
          },
        }),
        /more than|large|already|twice/,
      ],
      [
        'a million images',
        () => over(OBJECT, `images:\n${'- {name: a}\n'.repeat(1_000_000)}`),
        /more than|large/,
      ],
      [
        'a regex that backtracks in the target of a patch',
        () => over(NAMED, `patches:\n- target: {name: "${EVIL}x"}\n  patch: '- {op: remove, path: /x}'\n`),
        undefined,
      ],
      [
        'a regex that backtracks in a selector of labels',
        () =>
          over(
            NAMED,
            `patches:\n- target: {labelSelector: "x=${EVIL}"}\n  patch: '- {op: remove, path: /x}'\n`,
          ),
        /./,
      ],
      [
        'a regex that backtracks in a replacement',
        () =>
          over(
            NAMED,
            `replacements:\n- source: {name: "${LONG}", fieldPath: metadata.name}\n  targets:\n  - select: {name: "${EVIL}x"}\n    fieldPaths: [metadata.labels.x]\n`,
          ),
        undefined,
      ],
      [
        'a regex that backtracks in the name of an image',
        () =>
          over(
            `${NAMED}spec: {containers: [{image: "${LONG}c"}]}\n`,
            `images: [{name: "${EVIL}x", newTag: b}]\n`,
          ),
        undefined,
      ],
      [
        'a regex of a thousand repetitions of repetitions',
        () =>
          over(
            NAMED,
            `patches:\n- target: {name: "(((a{1,1000}){1,1000}){1,1000})"}\n  patch: '- {op: remove, path: /x}'\n`,
          ),
        /./,
      ],
    ] as const
  ).map(([what, make, refused]) => [what, { what, make: make as () => Tree, refused }]),
);
