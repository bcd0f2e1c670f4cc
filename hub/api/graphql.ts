import { createYoga } from 'graphql-yoga';
import { FlotillaError } from '#proto/faults.ts';
import type { AuditReader } from '../core/audit-reader.ts';
import type { ReadModel } from '../core/view.ts';
import type { Operations } from '../operations/types.ts';
import { type ApiContext, QueryTime } from './context.ts';
import { maskError } from './errors.ts';
import { graphiqlOptions, renderGraphiql } from './graphiql.ts';
import { type Authenticate, useBearer, type Viewers } from './plugins/bearer.ts';
import { QUERY_LIMITS, type QueryLimits, useQueryLimits } from './plugins/query-limits.ts';
import { useSameOrigin } from './plugins/same-origin.ts';
import { buildSchema } from './schema.ts';

export const GRAPHQL_PATH = '/graphql';
const MOST_BODY_BYTES = 100_000;
const MOST_QUERY_MS = 10_000;
const CACHED_DOCUMENTS = 100;

/** The part of a pino logger that the API writes to. */
export type ApiLog = {
  error(details: object, message: string): void;
  info(details: object, message: string): void;
};

export type GraphqlOptions = {
  readonly view: ReadModel;
  readonly audit: AuditReader;
  readonly version: string;
  readonly closing: AbortSignal;
  readonly log: ApiLog;
  /** Whose token it is; without it no token counts. */
  readonly authenticate?: Authenticate;
  readonly operations: Operations;
  readonly limits?: QueryLimits;
  readonly mostQueryMs?: number;
};

/** The GraphQL endpoint with every default that is unsafe turned off; usable without a socket by its `fetch`. */
export function createGraphql(options: GraphqlOptions) {
  const {
    view,
    audit,
    version,
    closing,
    log,
    operations,
    limits = QUERY_LIMITS,
    mostQueryMs = MOST_QUERY_MS,
  } = options;
  const { authenticate = refuseAll } = options;
  const viewers: Viewers = new WeakMap();
  const report = (err: unknown) => log.error({ err }, 'query failed');
  return createYoga({
    schema: buildSchema(),
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request }): ApiContext => ({
      view,
      audit,
      version,
      closing,
      time: new QueryTime(mostQueryMs),
      viewer: viewers.get(request),
      operations,
    }),
    plugins: [useSameOrigin(), useBearer(authenticate, viewers, report), useQueryLimits(limits)],
    cors: false,
    multipart: false,
    batching: false,
    landingPage: false,
    maxRequestBodySize: MOST_BODY_BYTES,
    // yoga's own keeps a thousand documents of any size, and as many wrong ones.
    parserAndValidationCache: { documentCache: boundedMap(), errorCache: boundedMap() },
    graphiql: graphiqlOptions,
    renderGraphiQL: renderGraphiql,
    maskedErrors: { maskError: (error) => maskError(error, report) },
    logging: false,
  });
}

function refuseAll(): never {
  throw new FlotillaError('token-invalid', 'token is unknown to this hub: it has none');
}

/** The newest entries; the one that was written first goes first. */
function boundedMap<T>() {
  const entries = new Map<string, T>();
  return {
    get: (key: string) => entries.get(key),
    set(key: string, value: T) {
      entries.set(key, value);
      if (entries.size > CACHED_DOCUMENTS) entries.delete(entries.keys().next().value!);
    },
  };
}
