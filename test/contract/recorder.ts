/** Stands between somebody and a real API server, and writes down what is asked and answered, for the contract to replay. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '#sim/json.ts';
import { Api, type Target } from './api.ts';
import { normal } from './normal.ts';

/** One request with its answer. Versions and uids that it repeats stand as `<version of N>` or `<uid of N>`: of the answer to line N. */
export type Exchange = {
  method: string;
  /** With its query. */
  path: string;
  type?: string;
  accept?: string;
  body?: Json;
  code: number;
  answer: Json;
};

/** Answers about what others write to at any time, or that tell nothing of one object, are not part of it. */
const isLeftOut = (method: string, path: string): boolean =>
  method === 'GET' &&
  (/[?&](watch|limit)=/.test(path) || /^\/(version|apis?(\/[^/]+){0,2})$/.test(path.split('?')[0]!));

/** Listens on a port of its own; whoever asks there acts with the token of the target. */
export async function recorder(target: Target, into: Exchange[]): Promise<{ url: string; close(): void }> {
  const api = new Api(target);
  const seen = new Map<string, string>();
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url: path = '/', headers } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const passed = {
      ...(headers['content-type'] && { 'content-type': headers['content-type'] }),
      ...(headers.accept && { accept: headers.accept }),
    };
    if (/[?&]watch=/.test(path)) {
      const open = await api.stream(path, passed);
      response.writeHead(open.statusCode ?? 500, { 'content-type': 'application/json' });
      open.pipe(response);
      response.on('close', () => open.destroy());
      return;
    }
    const answered = await api.send(method, path, body === '' ? undefined : body, passed);
    response.writeHead(answered.code, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answered.body));
    if (isLeftOut(method, path)) return;
    const { uid, resourceVersion } = answered.body?.metadata ?? {};
    into.push({
      method,
      path,
      ...(headers['content-type'] && { type: headers['content-type'] }),
      ...(headers.accept && headers.accept !== 'application/json' && { accept: headers.accept }),
      ...(body !== '' && { body: referring(JSON.parse(body), seen) }),
      code: answered.code,
      answer: normal(answered.body),
    });
    if (uid && !seen.has(uid)) seen.set(uid, `<uid of ${into.length - 1}>`);
    if (resourceVersion) seen.set(`v${resourceVersion}`, `<version of ${into.length - 1}>`);
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
      api[Symbol.dispose]();
    },
  };
}

/** Versions and uids that a request takes from answers before it, named after them. */
function referring(value: Json, seen: ReadonlyMap<string, string>): Json {
  if (Array.isArray(value)) return value.map((item) => referring(item, seen));
  if (typeof value !== 'object' || value === null) return value;
  const isVersionTest = value.path === '/metadata/resourceVersion';
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const isVersion = name === 'resourceVersion' || (isVersionTest && name === 'value');
      const known = typeof member === 'string' && seen.get(isVersion ? `v${member}` : member);
      return [name, known || referring(member ?? null, seen)];
    }),
  );
}

/** For whom the recorder listens. */
export const kubeconfig = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'one', cluster: { server } }],
    users: [{ name: 'one', user: {} }],
    contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
    'current-context': 'one',
  });
