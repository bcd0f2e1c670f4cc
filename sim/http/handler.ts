import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cluster } from '../cluster.ts';
import { StatusError, unknownResource } from '../errors.ts';
import type { Committed } from '../write/commit.ts';
import type { Validation, Write } from '../write/context.ts';
import { createObject, replaceObject } from '../write/create.ts';
import { deleteObject, parseDeleteOptions } from '../write/delete.ts';
import type { PatchType } from '../write/patch.ts';
import { applyObject, PATCH_TYPES, patchObject } from '../write/patch.ts';
import { readScale, writeScale } from '../write/scale.ts';
import { aggregatedAt, discoveryAt } from './discovery.ts';
import { aggregatedDiscovery, formOf } from './negotiate.ts';
import { openApiAt } from './openapi.ts';
import { getObject, listObjects } from './read.ts';
import type { Route } from './route.ts';
import { parseRoute } from './route.ts';
import { watchObjects } from './watch.ts';

/** Bytes a request body may have; what a real server allows too. */
const MAX_BODY = 3 << 20;

type ResourceRoute = Extract<Route, { type: 'resource' }>;

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
    const text = await readBody(request);
    if (cluster.faults.delay > 0) await waitFor(cluster.faults.delay, response);
    route(cluster, path, query, request, response, text);
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

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function route(
  cluster: Cluster,
  path: string,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): void {
  const found = parseRoute(path, cluster.kinds);
  if (found.type === 'resource') {
    routeResource(cluster, found, query, request, response, text);
    return;
  }
  cluster.count('discovery');
  if (found.type === 'path') {
    if (answerPath(cluster, found.path, request, response)) return;
  } else if (found.isResource) {
    throw unknownResource();
  }
  answer(response, 404, '404 page not found\n', 'text/plain; charset=utf-8');
}

function answerPath(
  cluster: Cluster,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (/^\/(readyz|livez|healthz)(\/.*)?$/.test(path)) {
    answer(response, 200, 'ok', 'text/plain; charset=utf-8');
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

function routeResource(
  cluster: Cluster,
  route: ResourceRoute,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): void {
  const { kind, namespace, name, subresource } = route;
  const form = formOf(request.headers.accept);
  const write = writeOf(cluster, route, query, request);
  const method = request.method ?? 'GET';
  if (method === 'GET') {
    const watches = ['true', '1'].includes(query.get('watch') ?? '');
    if (watches && name === undefined) {
      cluster.count('watch');
      watchObjects(cluster, kind, namespace, query, form, response);
    } else if (name === undefined) {
      cluster.count('list');
      answer(response, 200, listObjects(cluster, kind, namespace, query, form));
    } else {
      cluster.count('get');
      if (subresource === 'scale') answer(response, 200, getScale(cluster, route, name));
      else answer(response, 200, getObject(cluster, kind, namespace, name, form));
    }
  } else if (method === 'POST' && name === undefined) {
    cluster.count('create');
    answerWrite(response, write, createObject(write, text));
  } else if (method === 'PUT' && name !== undefined) {
    cluster.count('update');
    if (subresource === 'scale') answer(response, 200, writeScale(write, 'PUT', text, false));
    else answerWrite(response, write, replaceObject(write, text));
  } else if (method === 'PATCH' && name !== undefined) {
    patch(cluster, write, route, query, request, response, text);
  } else if (method === 'DELETE') {
    cluster.count('delete');
    answer(response, 200, remove(write, route, query, text));
  } else {
    const message = 'the server does not allow this method on the requested resource';
    throw new StatusError(405, 'MethodNotAllowed', message, {});
  }
}

function getScale(cluster: Cluster, { kind, namespace }: ResourceRoute, name: string): string {
  const stored = cluster.store.get(kind, namespace, name);
  return stored ? readScale(kind, stored) : getObject(cluster, kind, namespace, name, 'object');
}

function patch(
  cluster: Cluster,
  write: Write,
  { subresource }: ResourceRoute,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): void {
  const given = (request.headers['content-type'] ?? '').split(';')[0]?.trim();
  const type = PATCH_TYPES.find((known) => known === given) as PatchType | undefined;
  if (!type) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  const isApply = type === 'application/apply-patch+yaml';
  const force = query.get('force') === 'true';
  cluster.count(isApply ? 'apply' : 'patch');
  // An apply without a manager is refused; any other write goes by the name of the program.
  const writer = isApply ? { ...write, manager: query.get('fieldManager') ?? '' } : write;
  if (subresource === 'scale') answer(response, 200, writeScale(writer, type, text, force));
  else if (isApply) answerWrite(response, writer, applyObject(writer, text, force));
  else answerWrite(response, writer, patchObject(writer, type, text));
}

function remove(
  write: Write,
  { kind, namespace, name }: ResourceRoute,
  query: URLSearchParams,
  text: string,
): string {
  const options = parseDeleteOptions(query, text);
  if (name !== undefined) return deleteObject(write, options);
  const list = listObjects(write.cluster, kind, namespace, query, 'object');
  for (const { metadata } of (
    JSON.parse(list) as { items: { metadata: { name: string; namespace?: string } }[] }
  ).items) {
    deleteObject({ ...write, name: metadata.name, namespace: metadata.namespace ?? '' }, options);
  }
  return list;
}

function writeOf(
  cluster: Cluster,
  route: ResourceRoute,
  query: URLSearchParams,
  request: IncomingMessage,
): Write {
  const validation = query.get('fieldValidation');
  const agent = (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? '';
  return {
    cluster,
    kind: route.kind,
    namespace: route.namespace,
    name: route.name ?? '',
    subresource: route.subresource === 'status' ? 'status' : undefined,
    manager: query.get('fieldManager') || agent.slice(0, 128) || 'unknown',
    dryRun: query.get('dryRun') === 'All',
    validation: (['Strict', 'Ignore'].includes(validation ?? '') ? validation : 'Warn') as Validation,
    warnings: [],
  };
}

function answerWrite(response: ServerResponse, write: Write, { text, created }: Committed): void {
  if (write.warnings.length > 0) {
    const values = write.warnings.map((warning) => `299 - ${JSON.stringify(warning)}`);
    response.setHeader('warning', values);
  }
  answer(response, created ? 201 : 200, text);
}

function answer(response: ServerResponse, code: number, text: string, type = 'application/json'): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function answerError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const status =
    error instanceof StatusError
      ? error
      : new StatusError(500, 'InternalError', `Internal error occurred: ${String(error)}`, {});
  if (status.retryAfter !== undefined) response.setHeader('retry-after', status.retryAfter);
  answer(response, status.code, JSON.stringify(status.toJson()));
  // A bug in the simulation must not pass for an answer of Kubernetes.
  if (!(error instanceof StatusError)) process.emitWarning(error instanceof Error ? error : String(error));
}
