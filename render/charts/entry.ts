import { EngineFault } from '../engine/fault.ts';
import { isMap, type JsonMap } from '../engine/json.ts';
import type { Json } from '../yaml/read.ts';

/** One entry of `helmCharts`, as far as it counts for a chart that stands in the repository. */
export type ChartEntry = {
  readonly name: string;
  readonly version?: string;
  readonly releaseName: string;
  readonly namespace?: string;
  readonly valuesFile?: string;
  readonly additionalValuesFiles: readonly string[];
  readonly valuesInline: JsonMap;
  readonly valuesMerge: 'override' | 'merge' | 'replace';
  readonly includeCRDs: boolean;
  readonly skipHooks: boolean;
  readonly kubeVersion?: string;
  readonly apiVersions: readonly string[];
};

const TEXTS = [
  'name',
  'version',
  'repo',
  'releaseName',
  'namespace',
  'valuesFile',
  'valuesMerge',
  'kubeVersion',
  'nameTemplate',
];
const SWITCHES = ['includeCRDs', 'skipHooks', 'skipTests', 'debug'];
const LISTS = ['additionalValuesFiles', 'apiVersions'];

/**
 * Reads an entry.
 *
 * @throws EngineFault for fields that kustomize does not have or of another type, and for an entry without a release name, whose
 *   objects would be called something else each time
 */
export function readChartEntry(value: Json): ChartEntry {
  if (!isMap(value)) throw new EngineFault('an entry of helmCharts is a map');
  for (const [key, found] of Object.entries(value)) {
    if (TEXTS.includes(key)) demand(typeof found === 'string', key, 'text');
    else if (SWITCHES.includes(key)) demand(typeof found === 'boolean', key, 'true or false');
    else if (LISTS.includes(key))
      demand(Array.isArray(found) && found.every((one) => typeof one === 'string'), key, 'a list of texts');
    else if (key === 'valuesInline') demand(isMap(found) || found === null, key, 'a map');
    else throw new EngineFault(`unknown field ${key}`, [key]);
  }
  const text = (key: string) =>
    typeof value[key] === 'string' && value[key] !== '' ? value[key] : undefined;
  const list = (key: string) => (Array.isArray(value[key]) ? (value[key] as string[]) : []);
  if (text('nameTemplate'))
    throw new EngineFault('nameTemplate is not supported; write releaseName', ['nameTemplate'], {
      unsupported: true,
    });
  const [name, releaseName, valuesMerge = 'override'] = [
    text('name'),
    text('releaseName'),
    text('valuesMerge'),
  ];
  if (name === undefined) throw new EngineFault('chart name cannot be empty');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw new EngineFault(`${name} is no name of a chart`, ['name']);
  if (
    releaseName === undefined ||
    !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(releaseName) ||
    releaseName.length > 53
  )
    throw new EngineFault(
      'needs a releaseName of small letters, digits and dashes: objects are named after it',
      ['releaseName'],
    );
  if (valuesMerge !== 'override' && valuesMerge !== 'merge' && valuesMerge !== 'replace')
    throw new EngineFault('valuesMerge must be one of override, merge, replace', ['valuesMerge']);
  const optional = Object.fromEntries(
    ['version', 'namespace', 'valuesFile', 'kubeVersion'].flatMap((key) =>
      text(key) === undefined ? [] : [[key, text(key)]],
    ),
  );
  return {
    ...optional,
    name,
    releaseName,
    valuesMerge,
    additionalValuesFiles: list('additionalValuesFiles'),
    valuesInline: isMap(value.valuesInline) ? value.valuesInline : {},
    includeCRDs: value.includeCRDs === true,
    skipHooks: value.skipHooks === true,
    apiVersions: list('apiVersions'),
  };
}

function demand(holds: boolean, key: string, what: string): void {
  if (!holds) throw new EngineFault(`must be ${what}`, [key]);
}
