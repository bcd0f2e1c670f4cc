import { type Json, type Position, type ReadDocument, readYaml, YamlFault } from '../yaml/read.ts';
import { type Chart, chartAt, decodeText } from './kustomization.ts';
import { collectReferences, member, PLUGIN_REFERENCES, type Reference } from './references.ts';

/** What configuration of generators, transformers and validators reads, relative to the kustomization that lists it. */
export type PluginConfig = {
  readonly references: readonly Reference[];
  readonly charts: readonly Chart[];
  /** True when the name of the kustomization's directory is rendered: a ValueAddTransformer without a value. */
  readonly usesDirectoryName: boolean;
  /** Plugins that are not built in: programs, which are never run. */
  readonly foreign: readonly { readonly name: string; readonly at: Position }[];
};

const LIMITS = { bytes: 4 << 20, nodes: 200_000, depth: 100 };

/** Reads a stream of configuration; documents that are no objects are left for kustomize to complain about. */
export function parsePluginConfig(bytes: Uint8Array): PluginConfig {
  return summarise(readYaml(decodeText(bytes), LIMITS));
}

/**
 * The configuration that an entry of `generators`, `transformers` or `validators` is itself, or undefined when the entry
 * is a path. kustomize takes for inline what parses as objects; here also every text of several lines.
 */
export function inlineConfig(text: string): PluginConfig | undefined {
  const documents = inlineDocuments(text);
  return documents && summarise(documents);
}

export function isInline(text: string): boolean {
  return inlineDocuments(text) !== undefined;
}

function inlineDocuments(text: string): ReadDocument[] | undefined {
  // A path is a plain word: most entries are decided without parsing.
  if (!/[\n:{#]/.test(text)) return undefined;
  try {
    const documents = readYaml(text, LIMITS);
    const objects = documents.every(
      ({ value }) => value === null || (isMap(value) && (text.includes('\n') || 'kind' in value)),
    );
    return objects ? documents : undefined;
  } catch (error) {
    if (error instanceof YamlFault) return undefined;
    throw error;
  }
}

function summarise(documents: readonly ReadDocument[]): PluginConfig {
  const references: Reference[] = [];
  const charts: Chart[] = [];
  const foreign: { name: string; at: Position }[] = [];
  let usesDirectoryName = false;
  for (const { document, path, value } of documents.flatMap((document) =>
    flatten(document, document.value, []),
  )) {
    const { apiVersion, kind } = value;
    if (typeof kind !== 'string') continue;
    if (apiVersion !== 'builtin') {
      foreign.push({ name: `${String(apiVersion)} ${kind}`, at: document.locate([...path, 'kind']) });
      continue;
    }
    const table = Object.hasOwn(PLUGIN_REFERENCES, kind) ? PLUGIN_REFERENCES[kind]! : [];
    references.push(...collectReferences(document, table, path).filter(({ text }) => text !== ''));
    const text = (name: string) => {
      const found = member(value, name, path, document)?.value;
      return typeof found === 'string' ? found : '';
    };
    if (kind === 'HelmChartInflationGenerator') {
      const at = document.locate(path);
      charts.push(chartAt(text('chartHome'), text('name'), text('version'), text('repo'), at));
    }
    if (kind === 'ValueAddTransformer' && text('value').trim() === '') usesDirectoryName = true;
  }
  return { references, charts, usesDirectoryName, foreign };
}

type Entry = { document: ReadDocument; path: (string | number)[]; value: { [key: string]: Json } };

/** The objects of a document; a list of objects (`kind: …List` with `items`) stands for what it holds. */
function flatten(document: ReadDocument, value: Json, path: (string | number)[]): Entry[] {
  if (!isMap(value)) return [];
  const { kind, items } = value;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item, index) => flatten(document, item, [...path, 'items', index]));
  }
  return [{ document, path, value }];
}

function isMap(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
