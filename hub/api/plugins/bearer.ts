import type { Plugin } from 'graphql-yoga';
import { FlotillaError } from '#proto/faults.ts';
import type { Viewer } from '../../access/viewer.ts';

/** Whose token it is. @throws FlotillaError token-invalid */
export type Authenticate = (token: string) => Viewer;

/** Who asks, by request; nobody where no token was given. */
export type Viewers = WeakMap<Request, Viewer>;

/**
 * Notes in `viewers` who asks. Without a token one is nobody, who may read; one that does not count is refused whatever is asked, so
 * that nobody takes an expired token for a working one. It comes in a header, which no page of another site can send along.
 */
export function useBearer(
  authenticate: Authenticate,
  viewers: Viewers,
  report: (error: unknown) => void,
): Plugin {
  return {
    onRequest({ request, endResponse, fetchAPI }) {
      const header = request.headers.get('authorization');
      if (header === null) return;
      const refuse = (message: string, code: string) =>
        endResponse(
          fetchAPI.Response.json(
            { errors: [{ message, extensions: { code } }] },
            { status: 401, headers: { 'www-authenticate': 'Bearer realm="flotilla"' } },
          ),
        );
      const [, token] = /^Bearer +(\S+) *$/i.exec(header) ?? [];
      if (token === undefined) return refuse('authorization is not Bearer and a token', 'token-invalid');
      try {
        viewers.set(request, authenticate(token));
      } catch (error) {
        if (error instanceof FlotillaError && error.code === 'token-invalid')
          return refuse(error.message, error.code);
        report(error);
        return refuse('token cannot be checked: see the log of the hub', 'internal');
      }
    },
  };
}
