import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';

function milliseconds(text: unknown): number {
  const time = typeof text === 'string' && /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new GraphQLError('DateTime must be an RFC 3339 timestamp such as 2026-05-03T10:00:00Z');
  }
  return time;
}

/** Unix milliseconds or RFC 3339 inside, RFC 3339 in UTC outside. As an argument it becomes Unix milliseconds. */
const DateTime = new GraphQLScalarType({
  name: 'DateTime',
  serialize: (value) => new Date(value as string | number).toISOString(),
  parseValue: milliseconds,
  parseLiteral: (node) => milliseconds(textOf(node)),
});

function objectId(text: unknown): string {
  if (typeof text !== 'string' || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) {
    throw new GraphQLError('GitObjectID must be 40 or 64 lower-case hexadecimal digits');
  }
  return text;
}

const GitObjectID = new GraphQLScalarType({
  name: 'GitObjectID',
  serialize: objectId,
  parseValue: objectId,
  parseLiteral: (node) => objectId(textOf(node)),
});

/** Only ever answered, never asked with. */
const JSONValue = new GraphQLScalarType({ name: 'JSON', serialize: (value) => value });

const textOf = (node: ValueNode) => (node.kind === Kind.STRING ? node.value : undefined);

export const scalars = { DateTime, GitObjectID, JSON: JSONValue };
