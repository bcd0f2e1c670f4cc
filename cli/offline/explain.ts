import { harmless } from '../output/table.ts';
import type { Row } from './fleet.ts';

/** What decides what an assignment renders, apart from the content of files. */
export function explained(row: Row) {
  const placement = row.placement.document.metadata.name;
  const cluster = row.cluster.document.metadata.name;
  const files = { placementFile: row.placement.file, clusterFile: row.cluster.file };
  if ('faults' in row)
    return {
      placement,
      cluster,
      ...files,
      faults: row.faults.map(({ code, message }) => ({ code, message })),
    };
  const { path, components, namespace, createNamespace, prune, values } = row.assignment;
  return {
    placement,
    cluster,
    ...files,
    path,
    components,
    ...(namespace !== undefined && { namespace, createNamespace }),
    prune,
    values: Object.entries(values).map(([name, { value, from, file }]) => ({
      name,
      value,
      from,
      file: file ?? null,
    })),
  };
}

/** The same as comment lines before what it renders to. */
export function explanation(row: Row): string {
  const { placement, cluster, placementFile, ...rest } = explained(row);
  if ('faults' in rest) return '';
  const lines = [
    `placement ${placement} in ${placementFile}, on cluster ${cluster}`,
    `overlay ${rest.path || '.'}`,
    ...rest.components.map((component) => `component ${component}`),
    ...(rest.namespace === undefined ? [] : [`namespace ${rest.namespace}`]),
    ...rest.values.map(({ name, value, from }) => `value ${name} = ${JSON.stringify(value)}, from ${from}`),
  ];
  return lines.map((line) => `# ${harmless(line)}\n`).join('');
}
