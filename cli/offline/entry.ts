import { stringify } from 'yaml';
import { API_VERSION } from '#proto/documents/common.ts';
import { type FleetFile, judgeFleet, readFleetFile } from '#proto/fleet-model.ts';
import type { Problem } from '#proto/problems.ts';

export type NewCluster = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly publicKeys: readonly string[];
  readonly mode: string | undefined;
};

export const entryFile = (name: string): string => `clusters/${name}.yaml`;

/** The entry of a cluster, as a person would write it. */
export function entryText({ name, labels, publicKeys, mode }: NewCluster): string {
  const document = {
    apiVersion: API_VERSION,
    kind: 'Cluster',
    metadata: { name, ...(Object.keys(labels).length > 0 && { labels }) },
    spec: { agent: { publicKeys }, ...(mode !== undefined && { mode }) },
  };
  return stringify(document, { version: '1.1', lineWidth: 0 });
}

/** What would be wrong with an entry among the documents that are there: its own errors, and those that it causes. */
export function checkEntry(files: readonly FleetFile[], entry: NewCluster): Problem[] {
  const before = judgeFleet(files);
  const added = readFleetFile(entryFile(entry.name), entryText(entry))!;
  const known = new Set(before.problems.map(({ message }) => message));
  const { problems } = judgeFleet([...files, added], before);
  return problems.filter(({ severity, message, source }) => {
    return severity === 'error' && (source.file === added.file || !known.has(message));
  });
}
