/** Smart HTTP of Git: one `git http-backend` (CGI, ships with git) per request. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { GIT_ENVIRONMENT } from './git.ts';

/** What was served; bytes are those of bodies, as they travelled. */
export type Traffic = { requests: number; bytesIn: number; bytesOut: number };

type Cgi = ChildProcessByStdio<Writable, Readable, Readable>;

const HEADER_LIMIT = 64_000;

/**
 * Answers one request for a repository below `root`. Resolves when the answer is complete or the client has gone.
 * The body goes through as it came: gzip is undone by git, chunks by Node; protocol 2 travels in `Git-Protocol`.
 */
export function serveGit(
  root: string,
  user: string,
  traffic: Traffic,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const child = spawn('git', ['http-backend'], {
    env: environment(root, user, request),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-4_000);
  });
  // Git may answer and close before it has read the whole body.
  child.stdin.on('error', () => child.stdin.destroy());
  request.on('data', (chunk: Buffer) => {
    traffic.bytesIn += chunk.length;
  });
  request.pipe(child.stdin);
  response.once('close', () => {
    if (!response.writableFinished) child.kill('SIGKILL');
  });
  return new Promise((resolve) => {
    response.once('close', resolve);
    const fail = (reason: string) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(`${reason}\n`);
    };
    child.once('error', (error) => fail(`git http-backend cannot be started: ${error.message}`));
    child.once('close', (code) => {
      if (!response.headersSent) fail(`git http-backend ended with ${code}: ${stderr.trim()}`);
      else response.end();
    });
    relay(child, response, traffic, fail);
  });
}

/** Reads the CGI header block, then passes the rest on with back pressure. */
function relay(child: Cgi, response: ServerResponse, traffic: Traffic, fail: (reason: string) => void): void {
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) {
      if (head.length > HEADER_LIMIT) fail('git http-backend sent no header');
      return;
    }
    child.stdout.off('data', onData);
    const { status, headers } = parseCgiHead(head.subarray(0, end).toString('latin1'));
    response.writeHead(status, headers);
    const body = head.subarray(end + 4);
    traffic.bytesOut += body.length;
    response.write(body);
    child.stdout.on('data', (piece: Buffer) => {
      traffic.bytesOut += piece.length;
    });
    child.stdout.pipe(response, { end: false });
  };
  child.stdout.on('data', onData);
}

/** `Status: 404 Not Found` and other lines (RFC 3875, 6.3); 200 when there is no Status. */
export function parseCgiHead(head: string): { status: number; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10) || 500;
    else headers[name] = value;
  }
  return { status, headers };
}

function environment(root: string, user: string, request: IncomingMessage): NodeJS.ProcessEnv {
  const { pathname, search } = new URL(request.url ?? '/', 'http://git');
  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const variables: NodeJS.ProcessEnv = {
    ...GIT_ENVIRONMENT,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    REQUEST_METHOD: request.method,
    PATH_INFO: decodeURIComponent(pathname),
    QUERY_STRING: search.slice(1),
    REMOTE_ADDR: request.socket.remoteAddress,
    REMOTE_USER: user,
    CONTENT_TYPE: header('content-type'),
    CONTENT_LENGTH: header('content-length'),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    GIT_PROTOCOL: header('git-protocol'),
  };
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined));
}
