import { posix } from 'node:path';
import type { MemoryFile } from '#git/testing/memory-objects.ts';
import fc from '#test/laws.ts';

export type Repository = Readonly<Record<string, MemoryFile>>;
export const ROOT = 'apps/d0';

const directory = fc.record({
  /** Which directory before this one reads it, modulo how many there are. */
  parent: fc.nat(9),
  place: fc.constantFrom('apps', 'shared/deep', 'apps/d0/nested', 'x'),
  kind: fc.constantFrom('Kustomization', 'Kustomization', 'Component'),
  /** Read by way of a symlink beside the repository's other directories. */
  aliased: fc.boolean(),
  file: fc.constantFrom('kustomization.yaml', 'kustomization.yml', 'Kustomization'),
  resources: fc.uniqueArray(fc.constantFrom('a.yaml', 'sub/b.yaml', 'c d.yaml'), { maxLength: 3 }),
  linked: fc.boolean(),
  patch: fc.constantFrom('none', 'inline', 'file'),
  generator: fc.constantFrom('none', 'files', 'keyed', 'envs', 'literals'),
  prefix: fc.constantFrom(undefined, 'p-', 'q-'),
  config: fc.boolean(),
});
type Directory = typeof directory extends fc.Arbitrary<infer T> ? T : never;

/**
 * Small repositories that render: d0 and what it reads, each other directory read by one before it as a base or as a component, with
 * patches, generators, transformers and symlinks; and files that nobody reads.
 */
export const repositories: fc.Arbitrary<Repository> = fc
  .array(directory, { minLength: 1, maxLength: 5 })
  .map((directories) => {
    const files: Record<string, MemoryFile> = {
      'README.md': 'outside',
      'apps/other/kustomization.yaml': 'resources: [cm.yaml]\n',
      'apps/other/cm.yaml': configMap('other'),
      'apps/dangling': { link: 'nowhere' },
    };
    const pathOf = (index: number) => (index === 0 ? ROOT : `${directories[index]!.place}/d${index}`);
    const namedBy = (index: number) => (directories[index]!.aliased ? `alias/d${index}` : pathOf(index));
    for (const [index, one] of directories.entries()) {
      const here = pathOf(index);
      const readBy = (child: number) => child > index && directories[child]!.parent % child === index;
      const children = directories.map((_, child) => child).filter(readBy);
      Object.assign(files, filesOf(one, here, index));
      const named = (kind: Directory['kind']) =>
        children
          .filter((child) => directories[child]!.kind === kind)
          .map((child) => posix.relative(here, namedBy(child)));
      const kustomization = {
        ...(index > 0 && one.kind === 'Component' && { kind: 'Component' }),
        ...kustomizationOf(one, index),
        resources: [...named('Kustomization'), ...resourcesOf(one)],
        components: named('Component'),
      };
      files[`${here}/${one.file}`] = JSON.stringify(kustomization);
      if (index > 0 && one.aliased) files[`alias/d${index}`] = { link: posix.relative('alias', here) };
    }
    return files;
  });

const configMap = (name: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, labels: { app: x } }\ndata: { size: "\${size}" }\n`;
const PATCH = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: any }\ndata: { patched: "yes" }\n';

const resourcesOf = ({ resources, linked }: Directory) => [...resources, ...(linked ? ['link.yaml'] : [])];

function filesOf({ resources, linked, patch, generator, config }: Directory, here: string, index: number) {
  const files: Record<string, MemoryFile> = { [`${here}/NOTES.txt`]: 'read by nobody' };
  for (const [at, file] of resources.entries()) files[`${here}/${file}`] = configMap(`d${index}-${at}`);
  if (linked) {
    files[`${here}/link.yaml`] = { link: 'sub/real.yaml' };
    files[`${here}/sub/real.yaml`] = configMap(`d${index}-linked`);
  }
  if (patch === 'file') files[`${here}/patch.yaml`] = PATCH;
  if (generator === 'files' || generator === 'keyed') files[`${here}/data.txt`] = `text of d${index}`;
  if (generator === 'envs') files[`${here}/data.env`] = `A=${index}\n`;
  if (config)
    files[`${here}/transformer.yaml`] =
      'apiVersion: builtin\nkind: LabelTransformer\nmetadata: { name: t }\nlabels: { l: v }\nfieldSpecs: [{ path: metadata/labels, create: true }]\n';
  return files;
}

function kustomizationOf({ patch, generator, prefix, config }: Directory, index: number) {
  const made = {
    none: undefined,
    files: { files: ['data.txt'] },
    keyed: { files: ['key=data.txt'] },
    envs: { envs: ['data.env'] },
    literals: { literals: ['a=b'] },
  }[generator];
  const target = { kind: 'ConfigMap' };
  return {
    ...(prefix !== undefined && { namePrefix: prefix }),
    ...(made && { configMapGenerator: [{ name: `made-${index}`, ...made }] }),
    ...(patch === 'inline' && { patches: [{ target, patch: PATCH }] }),
    ...(patch === 'file' && { patches: [{ target, path: 'patch.yaml' }] }),
    ...(config && { transformers: ['transformer.yaml'] }),
  };
}
