import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bootstrap } from '#proto/messages.ts';
import type { ReadModel } from '../core/view.ts';
import { GRAPHQL_PATH } from './graphql.ts';
import { SDL } from './schema.ts';

/** Answers an agent's bootstrap: undefined while no committed entry carries this public key. */
export type AnswerBootstrap = (publicKey: string) => Bootstrap | undefined;

type Answer = { readonly status: number; readonly type: string; readonly body: string };
export type Routes = {
  readonly view: ReadModel;
  readonly bootstrap: AnswerBootstrap;
  readonly graphql: (request: IncomingMessage, response: ServerResponse) => void;
};

const json = (status: number, body: unknown): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(body)}\n`,
});
const text = (status: number, body: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

/** Everything that the hub answers over HTTP. */
export function route(routes: Routes, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').split('?', 1)[0]!;
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('referrer-policy', 'no-referrer');
  if (path === GRAPHQL_PATH) {
    routes.graphql(request, response);
    return;
  }
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (path === '/' && isRead) response.setHeader('location', GRAPHQL_PATH);
  const { status, type, body } = isRead ? answer(routes, path) : text(405, 'only GET');
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function answer({ view, bootstrap }: Routes, path: string): Answer {
  const agent = /^\/v1\/agents\/([A-Z2-7]{1,64})$/.exec(path);
  if (agent) {
    const given = bootstrap(agent[1]!);
    if (given) return json(200, given);
    const message = 'no entry in the fleet repo carries this public key yet';
    return json(404, { code: 'bootstrap-not-enrolled', message });
  }
  switch (path) {
    case '/':
      return text(302, `see ${GRAPHQL_PATH}`);
    case '/healthz':
      return text(200, 'ok');
    case '/readyz': {
      const reasons = view.unready();
      return json(reasons.length > 0 ? 503 : 200, { ready: reasons.length === 0, reasons });
    }
    case '/schema.graphql':
      return { status: 200, type: 'text/plain; charset=utf-8', body: SDL };
    default:
      return text(404, 'there is nothing here');
  }
}
