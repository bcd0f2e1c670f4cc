import type { Documents } from '../read/documents.ts';
import type { Files } from '../read/files.ts';
import { at, type Target } from '../target.ts';
import { BUILT_IN_CONFIG } from './built-in.ts';
import { mergeConfigs, type TransformerConfig } from './config.ts';
import { readCrds } from './crds.ts';
import { readConfigurations } from './read.ts';

/** The built-in configuration with that of a kustomization's `configurations` and `crds`. */
export function configOf(target: Target, documents: Documents, files: Files): TransformerConfig {
  const { configurations = [], crds = [] } = target.kustomization;
  let config = BUILT_IN_CONFIG;
  if (configurations.length > 0)
    config = at(target, ['configurations'], () => {
      const found = configurations.map((path) => files.read(target.directory, path));
      return mergeConfigs(config, readConfigurations(found, documents));
    });
  for (const [index, path] of crds.entries())
    config = at(target, ['crds', index], () =>
      mergeConfigs(config, readCrds(documents.document(files.read(target.directory, path)))),
    );
  return config;
}
