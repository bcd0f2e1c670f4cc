import { GraphQLError } from 'graphql';
import { FlotillaError } from '#proto/faults.ts';

/**
 * What a caller learns of an error: ours and those of the query language as they are, everything else only that it
 * happened. `report` gets what was hidden.
 */
export function maskError(error: unknown, report: (error: unknown) => void): Error {
  const original = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  const { nodes, source, positions, path } =
    error instanceof GraphQLError ? error : ({} as Partial<GraphQLError>);
  const at = {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
  };
  if (original instanceof FlotillaError) {
    return new GraphQLError(original.message, { ...at, extensions: { code: original.code } });
  }
  if (error instanceof GraphQLError && (original === error || original instanceof GraphQLError)) return error;
  report(original);
  return new GraphQLError('unexpected error: see the log of the hub', {
    ...at,
    extensions: { code: 'internal' },
  });
}
