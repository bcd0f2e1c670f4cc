import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonSchemaOf, schemaFile, schemaNamed } from '#proto/documents/json-schema.ts';
import { KINDS } from '#proto/documents/kinds.ts';
import { scenario } from '#rollouts/rehearsal/scenario.ts';

/** docs/schemas/ from the schemas of documents: `npm run docs` writes it, a test proves it equal. */
export const SCHEMAS_FOLDER = 'docs/schemas';

/** File name → text of every published schema. */
export function renderSchemas(): Map<string, string> {
  const documents = KINDS.map((kind) => [schemaFile(kind), jsonSchemaOf(kind)] as const);
  const all = [...documents, ['scenario.json', schemaNamed('Scenario', scenario)] as const];
  return new Map(all.map(([file, schema]) => [file, `${print(schema, '', 0)}\n`]));
}

const WIDTH = 110;

/** JSON as the formatter of this repository writes it: objects on lines of their own, short lists on one. */
function print(value: unknown, indent: string, before: number): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const line = `[${value.map((item) => print(item, inner, 0)).join(', ')}]`;
    if (!line.includes('\n') && before + line.length < WIDTH) return line;
    return `[\n${value.map((item) => `${inner}${print(item, inner, inner.length)}`).join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return '{}';
  const lines = members.map(([key, member]) => {
    const start = `${inner}${JSON.stringify(key)}: `;
    return `${start}${print(member, inner, start.length)}`;
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

export function writeSchemas(): void {
  const folder = join(import.meta.dirname, '..', SCHEMAS_FOLDER);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of renderSchemas()) writeFileSync(join(folder, file), text);
}
