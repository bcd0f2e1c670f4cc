import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { selfSigned } from '#sim/tls.ts';
import { post } from './post.ts';

/** Over TLS, with a certificate for localhost and 127.0.0.1. */
const NEVER = new AbortController().signal;
const HERE = [{ address: '127.0.0.1', family: 4 }];
const names: (string | false | undefined)[] = [];
let server: Server;
let port: number;

before(async () => {
  const { cert, key } = selfSigned();
  setDefaultCACertificates([...getCACertificates('default'), cert]);
  server = createServer({ cert, key }, (request, response) => {
    names.push((request.socket as unknown as { servername?: string | false }).servername);
    request.resume();
    response.end(request.headers.host);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const send = (host: string) =>
  post(new URL(`https://${host}:${port}/`), HERE, { headers: {}, body: '{}' }, 1_000, NEVER);

test('the certificate is asked for by the name in the URL, though the connection goes to an address', async () => {
  assert.deepEqual(await send('localhost'), { status: 200, body: `localhost:${port}` });
  assert.deepEqual(names, ['localhost']);
  assert.equal((await send('127.0.0.1')).status, 200);
});

test('a certificate of another name is not taken', async () => {
  await assert.rejects(send('hook.test'), {
    code: 'webhook-failed',
    message: 'the connection failed: ERR_TLS_CERT_ALTNAME_INVALID',
  });
  assert.equal(names.length, 2);
});
