import { stringify } from 'yaml';

/**
 * One object as YAML that reads back as the same object, for kubectl too: what YAML 1.1 takes for something else than text is
 * quoted, long text is not folded, nothing is shared by anchors. Integers beyond 2^53 keep their digits.
 */
export function manifestYaml(object: unknown): string {
  return stringify(object, {
    version: '1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
    minContentWidth: 0,
    schema: 'yaml-1.1',
  });
}

/** Objects as a stream of documents. */
export const manifestStream = (objects: readonly unknown[]): string =>
  objects.map(manifestYaml).join('---\n');

/** JSON with integers beyond 2^53 as they are. */
export function exactJson(value: unknown): string {
  const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };
  return `${JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? rawJSON(item.toString()) : item), 2)}\n`;
}
