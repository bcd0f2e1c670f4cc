import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cluster } from '../cluster.ts';
import { badRequest, notFound, StatusError } from '../errors.ts';
import { DecodeError } from '../schema/decode.ts';
import { decodeProtobuf, PROTOBUF_TYPE } from '../schema/protobuf.ts';
import type { Validation } from '../write/asked.ts';
import type { Committed } from '../write/commit.ts';
import type { Write } from '../write/context.ts';
import { createObject, replaceObject } from '../write/create.ts';
import { deleteObject, parseDeleteOptions } from '../write/delete.ts';
import { applyObject, PATCH_TYPES, patchObject, unsupportedMedia } from '../write/patch.ts';
import { readScale, writeScale } from '../write/scale.ts';
import { answer } from './answer.ts';
import { formOf } from './negotiate.ts';
import { getObject, listObjects } from './read.ts';
import type { Route } from './route.ts';
import { watchObjects } from './watch.ts';

/** One request about objects. */
export interface ResourceCall {
  readonly cluster: Cluster;
  readonly route: Extract<Route, { type: 'resource' }>;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
}

type Named = ResourceCall & { readonly name: string };

/** Answers a request about one object or a collection. Throws StatusError. */
export function handleResource(call: ResourceCall): void {
  const { name } = call.route;
  const { method = 'GET' } = call.request;
  const handler = name === undefined ? COLLECTION[method] : undefined;
  const named = name === undefined ? undefined : OBJECT[method];
  if (handler) handler(call);
  else if (named && name !== undefined) named({ ...call, name });
  else {
    const message = 'the server does not allow this method on the requested resource';
    throw new StatusError(405, 'MethodNotAllowed', message, {});
  }
}

const COLLECTION: Record<string, (call: ResourceCall) => void> = {
  GET: ({ cluster, route: { kind, namespace }, query, request, response }) => {
    const form = formOf(request.headers.accept);
    if (['true', '1'].includes(query.get('watch') ?? '')) {
      cluster.count('watch');
      watchObjects(cluster, kind, namespace, query, form, response);
    } else {
      cluster.count('list');
      answer(response, 200, listObjects(cluster, kind, namespace, query, form));
    }
  },
  POST: (call) => {
    call.cluster.count('create');
    const write = writeOf(call);
    answerWrite(call.response, write, createObject(write, objectText(call)));
  },
  DELETE: (call) => {
    const { cluster, route, query, response } = call;
    cluster.count('delete');
    const options = parseDeleteOptions(query, call.body.toString('utf8'));
    const list = listObjects(cluster, route.kind, route.namespace, query, 'object');
    const { items } = JSON.parse(list) as { items: { metadata: { name: string; namespace?: string } }[] };
    for (const { metadata } of items) {
      const { name, namespace = '' } = metadata;
      deleteObject({ ...writeOf(call), name, namespace }, options);
    }
    answer(response, 200, list);
  },
};

const OBJECT: Record<string, (call: Named) => void> = {
  GET: ({ cluster, route: { kind, namespace, subresource }, name, request, response }) => {
    cluster.count('get');
    const stored = cluster.store.get(kind, namespace, name);
    if (subresource === 'scale' && !stored) throw notFound(kind, name);
    if (subresource === 'scale' && stored) answer(response, 200, readScale(kind, stored));
    else answer(response, 200, getObject(cluster, kind, namespace, name, formOf(request.headers.accept)));
  },
  PUT: (call) => {
    call.cluster.count('update');
    const write = writeOf(call);
    const text = objectText(call);
    if (call.route.subresource === 'scale') answer(call.response, 200, writeScale(write, 'PUT', text, false));
    else answerWrite(call.response, write, replaceObject(write, text));
  },
  PATCH: (call) => {
    const given = call.request.headers['content-type']?.split(';')[0]?.trim();
    const type = PATCH_TYPES.find((known) => known === given);
    if (!type) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
    const isApply = type === 'application/apply-patch+yaml';
    call.cluster.count(isApply ? 'apply' : 'patch');
    const force = call.query.get('force') === 'true';
    const text = call.body.toString('utf8');
    // An apply without a manager is refused; any other write goes by the name of the program.
    const write = isApply
      ? { ...writeOf(call), manager: call.query.get('fieldManager') ?? '' }
      : writeOf(call);
    if (call.route.subresource === 'scale') answer(call.response, 200, writeScale(write, type, text, force));
    else if (isApply) answerWrite(call.response, write, applyObject(write, text, force));
    else answerWrite(call.response, write, patchObject(write, type, text));
  },
  DELETE: (call) => {
    call.cluster.count('delete');
    const options = parseDeleteOptions(call.query, call.body.toString('utf8'));
    answer(call.response, 200, deleteObject(writeOf(call), options));
  },
};

/**
 * The body of a create or update as JSON text. Clients of Kubernetes' own kinds, kubectl's `create` among them, send
 * protobuf.
 */
function objectText({ request, body, route: { kind, subresource } }: ResourceCall): string {
  if (!request.headers['content-type']?.startsWith(PROTOBUF_TYPE)) return body.toString('utf8');
  if (kind.custom || subresource === 'scale') throw unsupportedMedia('application/json');
  try {
    return JSON.stringify(decodeProtobuf(body, kind.type));
  } catch (error) {
    throw error instanceof DecodeError ? badRequest(error.message) : error;
  }
}

function writeOf({ cluster, route, query, request }: ResourceCall): Write {
  const validation = query.get('fieldValidation');
  const agent = request.headers['user-agent']?.split('/')[0] ?? '';
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
