import type { ServerResponse } from 'node:http';
import { StatusError } from '../errors.ts';

export function answer(
  response: ServerResponse,
  code: number,
  body: string | Buffer,
  type = 'application/json',
): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Answers an error as a Status. What is none of Kubernetes' errors is a bug here: it becomes a 500 and a warning. */
export function answerError(response: ServerResponse, error: unknown): void {
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
  if (!(error instanceof StatusError)) process.emitWarning(error instanceof Error ? error : String(error));
}
