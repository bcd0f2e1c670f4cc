import type { Plugin } from 'graphql-yoga';

/**
 * A page of another site must not be able to use the API through a browser that can reach it. Queries are POSTs of JSON, which
 * no form can make; GET is for the GraphiQL page and for server-sent events only; and what a browser says about where a
 * request comes from has to agree with where it goes to.
 */
export function useSameOrigin(): Plugin {
  return {
    onRequest({ request, url, endResponse, fetchAPI }) {
      const refuse = (status: number, message: string) =>
        endResponse(fetchAPI.Response.json({ errors: [{ message }] }, { status }));
      const header = (name: string) => request.headers.get(name) ?? '';
      const isPage = request.method === 'GET' && header('accept').includes('text/html');
      if (request.method === 'POST') {
        if (!/^application\/json\s*(;|$)/i.test(header('content-type'))) {
          return refuse(415, 'a query is a POST with content-type application/json');
        }
      } else if (request.method !== 'GET') {
        return refuse(405, 'only POST, and GET for server-sent events');
      } else if (!isPage && !header('accept').includes('text/event-stream')) {
        return refuse(405, 'a query is a POST; GET is for GraphiQL and for server-sent events');
      }
      const site = header('sec-fetch-site');
      if (!isPage && site !== '' && site !== 'same-origin' && site !== 'none') {
        return refuse(403, 'requests from other sites are refused');
      }
      const origin = header('origin');
      if (origin !== '' && hostOf(origin) !== url.host) {
        return refuse(403, 'requests from other origins are refused');
      }
    },
  };
}

const hostOf = (origin: string) => (URL.canParse(origin) ? new URL(origin).host : undefined);
