import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ControlPlane } from '#test/bed/control-plane.ts';

/** The API server waits so long for the webhook, seconds. */
export const HANGS_S = 15;

/** A validating webhook for everything in one namespace that takes the connection and never says a word. */
export async function hangIn(plane: ControlPlane, namespace: string): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const rule = {
    apiGroups: ['*'],
    apiVersions: ['*'],
    operations: ['CREATE', 'UPDATE'],
    resources: ['*'],
    scope: 'Namespaced',
  };
  const webhook = {
    name: 'hangs.example.org',
    clientConfig: { url: `https://127.0.0.1:${port}/` },
    rules: [rule],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    timeoutSeconds: HANGS_S,
    ...{ failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'] },
  };
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  await plane.client.expect('POST', path, { metadata: { name: 'hangs' }, webhooks: [webhook] });
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
