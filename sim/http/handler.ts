import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cluster } from '../cluster.ts';
import { StatusError, unknownResource } from '../errors.ts';
import { answer, answerError } from './answer.ts';
import { aggregatedAt, discoveryAt } from './discovery.ts';
import { aggregatedDiscovery } from './negotiate.ts';
import { openApiAt } from './openapi.ts';
import { emptyOpenApiV2, OPENAPI_V2_TYPE } from './openapi-v2.ts';
import { handleResource } from './resource.ts';
import { parseRoute } from './route.ts';

/** Bytes a request body may have; what a real server allows too. */
const MAX_BODY = 3 << 20;
const PLAIN = 'text/plain; charset=utf-8';

/** Answers one request to a cluster; `path` is what follows the cluster's prefix. */
export async function handle(
  cluster: Cluster,
  path: string,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (cluster.faults.unreachable) {
    request.socket.destroy();
    return;
  }
  try {
    authenticate(cluster, request);
    const body = await readBody(request);
    if (cluster.faults.delay > 0) await waitFor(cluster.faults.delay, response);
    const route = parseRoute(path, cluster.kinds);
    if (route.type === 'resource') {
      handleResource({ cluster, route, query, request, response, body });
      return;
    }
    cluster.count('discovery');
    if (route.type === 'path' && answerPath(cluster, route.path, request, response)) return;
    if (route.type === 'unknown' && route.isServed) throw unknownResource();
    answer(response, 404, '404 page not found\n', PLAIN);
  } catch (error) {
    answerError(response, error);
  }
}

function waitFor(milliseconds: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    response.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function authenticate(cluster: Cluster, request: IncomingMessage): void {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${cluster.token}`);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new StatusError(401, 'Unauthorized', 'Unauthorized');
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Health, discovery and OpenAPI. Returns whether there is anything at the path. */
function answerPath(
  cluster: Cluster,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (/^\/(readyz|livez|healthz)(\/.*)?$/.test(path)) {
    answer(response, 200, 'ok', PLAIN);
    return true;
  }
  if (path === '/openapi/v2') {
    answer(response, 200, emptyOpenApiV2(), OPENAPI_V2_TYPE);
    return true;
  }
  const type = aggregatedDiscovery(request.headers.accept);
  const all = type === undefined ? undefined : aggregatedAt(path, cluster.kinds);
  if (all) {
    answer(response, 200, JSON.stringify(all), type);
    return true;
  }
  const document = discoveryAt(path, cluster.kinds) ?? openApiAt(path, cluster.kinds);
  if (document) answer(response, 200, JSON.stringify(document));
  return document !== undefined;
}
