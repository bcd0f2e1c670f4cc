import { posix } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import { KUSTOMIZATION_NAMES } from '../closure/kustomization.ts';
import type { ClosureFile } from '../closure.ts';
import { EngineFault } from '../engine/fault.ts';
import { get, isMap, type JsonMap } from '../engine/json.ts';
import { strategicMerge } from '../engine/merge/strategic.ts';
import type { Renderer, RenderInput } from '../renderer.ts';
import { substituteValues } from '../values.ts';
import { type Json, readYaml, YamlFault } from '../yaml/read.ts';
import { writeYaml } from '../yaml/write.ts';
import { type ChartEntry, readChartEntry } from './entry.ts';
import type { ChartRequest, ChartTemplater } from './helm.ts';

/**
 * A renderer for overlays with charts: templates every entry of `helmCharts` first, with the declared values put into the values of
 * the chart, typed, and hands what comes out to the other renderer. Overlays without charts go there at once. The templater is
 * opened when it is needed first.
 */
export function withCharts(renderer: Renderer, open: () => Promise<ChartTemplater>): Renderer {
  let templater: Promise<ChartTemplater> | undefined;
  return {
    async render(input, signal) {
      if (!input.usesCharts) return renderer.render(input, signal);
      templater ??= open();
      const charts = await inflateCharts(input, await templater, signal);
      // What charts render to depends on more than the files, so nothing may be shared by their nodes.
      const { nodes: _, ...rest } = input;
      return renderer.render({ ...rest, charts }, signal);
    },
  };
}

/** The objects of every chart, by `directory#index`. @throws FlotillaError render-failed, render-unsupported */
async function inflateCharts(
  input: RenderInput,
  templater: ChartTemplater,
  signal: AbortSignal,
): Promise<Map<string, Json[]>> {
  const charts = new Map<string, Json[]>();
  for (const [path, file] of input.files) {
    if (!KUSTOMIZATION_NAMES.some((name) => posix.basename(path) === name) || isInChart(path, input))
      continue;
    const directory = posix.dirname(path) === '.' ? '' : posix.dirname(path);
    const kustomization = readYaml(decode(file), { lastKeyWins: true })[0]?.value ?? null;
    const entries = get(kustomization, 'helmCharts');
    for (const [index, value] of (Array.isArray(entries) ? entries : []).entries()) {
      const fail = (why: string, cause: unknown, unsupported = false) =>
        new FlotillaError(
          unsupported ? 'render-unsupported' : 'render-failed',
          `${path}: helmCharts[${index}]: ${why}`,
          {
            source: { file: path },
            cause,
          },
        );
      try {
        const entry = readChartEntry(value);
        const home = get(get(kustomization, 'helmGlobals') ?? null, 'chartHome');
        const request = requestOf(
          entry,
          typeof home === 'string' && home !== '' ? home : 'charts',
          directory,
          input,
        );
        const text = await templater.template(request, signal);
        charts.set(
          `${directory}#${index}`,
          readYaml(text)
            .map((document) => document.value)
            .filter((one) => one !== null),
        );
      } catch (error) {
        if (error instanceof FlotillaError || signal.aborted) throw error;
        const at = error instanceof EngineFault && error.path ? `${error.path.join('.')}: ` : '';
        throw fail(
          `${at}${(error as Error).message}`,
          error,
          error instanceof EngineFault && error.unsupported,
        );
      }
    }
  }
  return charts;
}

/** A chart may hold what is named like a kustomization; its templates are not ours to read. */
function isInChart(path: string, { files }: RenderInput): boolean {
  for (let at = posix.dirname(path); at !== '.'; at = posix.dirname(at))
    if (files.has(`${at}/Chart.yaml`)) return true;
  return false;
}

function requestOf(entry: ChartEntry, home: string, directory: string, input: RenderInput): ChartRequest {
  const { values: declared = {}, kubeVersion = entry.kubeVersion, apiVersions = [] } = input.release ?? {};
  // helm's own default is whatever it was built with, and no digest would tell.
  if (kubeVersion === undefined)
    throw new EngineFault(
      'needs a kubeVersion: set it in the Cluster, under defaults of flotilla.yaml, or here',
      ['kubeVersion'],
    );
  const chart = chartFiles(posix.join(directory, home, chartDirectory(entry, home, directory, input)), input);
  const read = (file: string): JsonMap => {
    const path = posix.join(directory, file);
    const found = input.files.get(path);
    if (!found) throw new EngineFault(`${path} is not in the closure`, ['valuesFile']);
    return asMap(yamlOf(found, path), path);
  };
  const own =
    entry.valuesFile === undefined
      ? asMap(
          chart.has('values.yaml') ? yamlOf(chart.get('values.yaml')!, 'values.yaml') : null,
          'values.yaml',
        )
      : read(entry.valuesFile);
  const layers = [mergedValues(entry, own), ...entry.additionalValuesFiles.map(read)];
  return {
    chart,
    name: entry.name,
    releaseName: entry.releaseName,
    ...(entry.namespace !== undefined && { namespace: entry.namespace }),
    values: layers.map((layer) =>
      writeYaml(substituteValues([layer as Json], declared, directory, { typed: true })),
    ),
    kubeVersion,
    apiVersions: [...new Set([...entry.apiVersions, ...apiVersions])],
    includeCrds: entry.includeCRDs,
    skipHooks: entry.skipHooks,
  };
}

/** The directory of a chart below its home: by its name, or by name and version as kustomize pulls it. */
function chartDirectory(entry: ChartEntry, home: string, directory: string, { files }: RenderInput): string {
  const versioned = `${entry.name}-${entry.version}/${entry.name}`;
  const isThere = (at: string) => files.has(posix.join(directory, home, at, 'Chart.yaml'));
  return entry.version !== undefined && isThere(versioned) ? versioned : entry.name;
}

const NO_SCHEMA = { kinds: new Map(), clusterScoped: new Map() };

/** Values of the file and of the kustomization, as `valuesMerge` says which wins. */
function mergedValues({ valuesInline, valuesMerge }: ChartEntry, own: JsonMap): JsonMap {
  if (Object.keys(valuesInline).length === 0) return own;
  if (valuesMerge === 'replace') return valuesInline;
  const [target, patch] = valuesMerge === 'override' ? [own, valuesInline] : [valuesInline, own];
  return strategicMerge(target, patch, NO_SCHEMA) ?? {};
}

/** The files below a chart, relative to it. */
function chartFiles(chart: string, { files }: RenderInput): Map<string, ClosureFile> {
  const found = new Map<string, ClosureFile>();
  for (const [path, file] of files)
    if (path.startsWith(`${chart}/`)) found.set(path.slice(chart.length + 1), file);
  if (!found.has('Chart.yaml')) throw new EngineFault(`${chart} has no Chart.yaml`);
  return found;
}

function yamlOf(file: ClosureFile, path: string): Json {
  try {
    return readYaml(decode(file))[0]?.value ?? null;
  } catch (error) {
    if (error instanceof YamlFault) throw new EngineFault(`${path}:${error.at.line}: ${error.message}`);
    throw error;
  }
}

function asMap(value: Json, path: string): JsonMap {
  if (value === null) return {};
  if (!isMap(value)) throw new EngineFault(`${path}: values are a map`);
  return value;
}

const decode = ({ bytes }: ClosureFile) => Buffer.from(bytes).toString('utf8');
