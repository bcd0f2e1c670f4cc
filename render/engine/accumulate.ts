import { type Accumulation, emptyAccumulation } from './accumulation.ts';
import type { TransformerConfig } from './config/config.ts';
import { mergeConfigs } from './config/config.ts';
import { configOf } from './config/of-kustomization.ts';
import { EngineFault } from './fault.ts';
import { generateConfigMap, generateSecret, withGlobalOptions } from './generators/config-maps.ts';
import type { MergeSchema } from './merge/schema.ts';
import { builtinOrigin, joinOrigin, type Origin } from './origin.ts';
import { noteTransformation } from './origin-notes.ts';
import { generatorOf, transformerOf } from './plugins.ts';
import type { GeneratorEntry } from './read/kustomization.ts';
import type { Rendering } from './rendering.ts';
import { Resource } from './resource.ts';
import { at, collect, type Target } from './target.ts';
import { ownTransformers } from './transformers/own.ts';
import { inlineManifests } from './transformers/patch-files.ts';
import type { Transformer, Workshop } from './transformers/transformer.ts';
import { addVar, addVars } from './transformers/vars.ts';

/**
 * Does what a kustomization says, in kustomize's order: resources, generators, components, transformers, validators, vars.
 * A component works on what its user has gathered; a base on something of its own.
 *
 * @throws EngineFault, placed where the kustomization asks for what fails
 */
export function accumulate(target: Target, into: Accumulation, rendering: Rendering): void {
  const { kustomization } = target;
  addResources(target, kustomization.resources ?? [], 'resources', into, rendering);
  into.config = mergeConfigs(into.config, configOf(target, rendering.documents, rendering.files));
  runGenerators(target, into, rendering);
  for (const [index, path] of (kustomization.components ?? []).entries())
    at(target, ['components', index], () => addDirectory(target, path, true, into, rendering));
  runTransformers(target, into, rendering);
  runValidators(target, into, rendering);
  at(target, ['vars'], () => addVars(kustomization.vars ?? [], into.vars, into.resources, rendering.schema));
}

/** Adds what paths name: files of objects, or directories with a kustomization. */
function addResources(
  target: Target,
  paths: readonly string[],
  field: string,
  into: Accumulation,
  rendering: Rendering,
): void {
  // Files are read first, so that all that is wrong with them is told at once.
  collect(target, field, paths, (path) => {
    const found = rendering.files.find(target.directory, path);
    if (found.what === 'file') rendering.documents.manifests(found);
  });
  for (const [index, path] of paths.entries())
    at(target, [field, index], () => {
      const found = rendering.files.find(target.directory, path);
      if (found.what === 'directory') addDirectory(target, path, false, into, rendering);
      else {
        const origin = target.origin === undefined ? undefined : { path: joinOrigin(target.origin, path) };
        for (const object of rendering.documents.manifests(found))
          into.resources.append(rendering.resource(object, origin, found.path));
      }
    });
}

function addDirectory(
  target: Target,
  path: string,
  isComponent: boolean,
  into: Accumulation,
  rendering: Rendering,
): void {
  const child = rendering.target(target, path, isComponent);
  if (isComponent) {
    accumulate(child, into, rendering);
    return;
  }
  const base = rendering.base(child, () => {
    const own = emptyAccumulation();
    accumulate(child, own, rendering);
    return own;
  });
  into.resources.appendAll(base.resources);
  into.config = mergeConfigs(into.config, base.config);
  for (const one of base.vars) addVar(into.vars, one);
}

function workshopOf(target: Target, rendering: Rendering, config: TransformerConfig): Workshop {
  const { files, documents, schema } = rendering;
  return { directory: target.directory, files, documents, schema, config };
}

function runGenerators(target: Target, into: Accumulation, rendering: Rendering): void {
  const { kustomization } = target;
  const workshop = workshopOf(target, rendering, into.config);
  const own = (
    field: 'configMapGenerator' | 'secretGenerator',
    kind: string,
    make: (entry: GeneratorEntry, workshop: Workshop) => Resource,
  ) => {
    const origin = ownOrigin(target, kind);
    for (const [index, entry] of (kustomization[field] ?? []).entries())
      at(target, [field, index], () => {
        const resource = make(withGlobalOptions(entry, kustomization.generatorOptions), workshop);
        resource.origin = origin;
        resource.file = target.file?.path;
        into.resources.absorb(resource);
      });
  };
  own('configMapGenerator', 'ConfigMapGenerator', generateConfigMap);
  own('secretGenerator', 'SecretGenerator', generateSecret);
  for (const { objects, path } of rendering.chartsOf(target))
    at(target, path, () => {
      for (const object of objects)
        into.resources.absorb(
          rendering.resource(object, ownOrigin(target, 'HelmChartInflationGenerator'), target.file?.path),
        );
    });
  const configs = pluginConfigs(target, 'generators', rendering);
  const made = configs.map((config) => at(target, ['generators'], () => generatorOf(config, workshop)));
  for (const [index, make] of made.entries())
    at(target, ['generators'], () => {
      const resource = make();
      resource.origin = pluginOrigin(configs[index]!);
      resource.file = target.file?.path;
      into.resources.absorb(resource);
    });
}

/** The configurations of plugins that a list names: inline ones first, as kustomize gathers them. */
function pluginConfigs(
  target: Target,
  field: 'generators' | 'transformers' | 'validators',
  rendering: Rendering,
): readonly Resource[] {
  const entries = target.kustomization[field] ?? [];
  const gathered = emptyAccumulation();
  const paths: string[] = [];
  const origin =
    target.origin === undefined ? undefined : { path: joinOrigin(target.origin, target.fileName) };
  for (const [index, entry] of entries.entries()) {
    const inline = inlineManifests(entry);
    if (!inline) paths.push(entry);
    else
      at(target, [field, index], () => {
        for (const object of inline) gathered.resources.append(rendering.resource(object, origin));
      });
  }
  addResources(target, paths, field, gathered, rendering);
  return gathered.resources.list;
}

function runTransformers(target: Target, into: Accumulation, rendering: Rendering): void {
  const workshop = workshopOf(target, rendering, into.config);
  const own = ownTransformers(target, workshop);
  const configs = pluginConfigs(target, 'transformers', rendering);
  const plugins = configs.map((config) => ({
    path: ['transformers'],
    run: at(target, ['transformers'], () => transformerOf(config, workshop)),
    origin: pluginOrigin(config),
  }));
  for (const { path, run, origin } of [...own, ...plugins]) {
    at(target, path, () => run(into.resources));
    if (origin) noteTransformation(into.resources.list, origin);
    into.resources.dropGone();
  }
}

/** Validators may label what they have seen, and change nothing else. */
function runValidators(target: Target, into: Accumulation, rendering: Rendering): void {
  const workshop = workshopOf(target, rendering, into.config);
  for (const config of pluginConfigs(target, 'validators', rendering)) {
    const run: Transformer['run'] = at(target, ['validators'], () => transformerOf(config, workshop));
    const before = into.resources.list.map((resource) => JSON.stringify(resource.value, bigints));
    at(target, ['validators'], () => {
      run(into.resources);
      const after = into.resources.list.map((resource) =>
        JSON.stringify(unlabelled(resource, rendering.schema), bigints),
      );
      if (before.length !== after.length || before.some((one, index) => one !== after[index]))
        throw new EngineFault(`validator ${config.name} changes objects; a validator only looks`);
    });
  }
}

const bigints = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
const VALIDATED_BY = 'validated-by';

function unlabelled(resource: Resource, schema: MergeSchema): unknown {
  const { labels } = resource;
  if (!Object.hasOwn(labels, VALIDATED_BY)) return resource.value;
  const copy = new Resource(resource.value, schema);
  delete labels[VALIDATED_BY];
  copy.setLabels(labels);
  return copy.value;
}

function ownOrigin(target: Target, kind: string): Origin | undefined {
  return target.origin === undefined
    ? undefined
    : builtinOrigin(joinOrigin(target.origin, target.fileName), kind);
}

function pluginOrigin(config: Resource): Origin | undefined {
  const path = config.origin?.path;
  if (path === undefined) return undefined;
  const { apiVersion, kind, name, namespace } = config;
  return { configuredIn: path, configuredBy: { apiVersion, kind, name, namespace } };
}
