import { z } from 'zod';
import { type Kind, SCHEMAS } from './kinds.ts';

/** Name of the published schema of a kind, without its folder. */
export const schemaFile = (kind: Kind): string => `${kind.toLowerCase()}.json`;

/**
 * JSON Schema (draft 7, which YAML language servers know best) of a kind of document: for completion and a first check in an
 * editor. It knows shapes and patterns; what needs a checksum, a calendar or another document is known to `validate` alone.
 */
export const jsonSchemaOf = (kind: Kind): Record<string, unknown> => schemaNamed(kind, SCHEMAS[kind]);

/** As `jsonSchemaOf`, of what is read like a document without being one. */
export function schemaNamed(name: string, of: z.ZodType): Record<string, unknown> {
  const { $schema, description, ...schema } = z.toJSONSchema(of, {
    target: 'draft-7',
    io: 'input',
  }) as Record<string, unknown>;
  return { $schema, title: `Flotilla ${name}`, description, ...schema };
}
