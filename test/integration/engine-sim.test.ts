import { after, before } from 'node:test';
import { type Sim, startSim } from '#sim/server.ts';
import { applyLaws } from './engine-apply-laws.ts';
import { driftLaws } from './engine-drift-laws.ts';
import type { Server } from './engine-lab.ts';

/** The same laws on the simulated API server, over plain HTTP below a path: what demos and scale runs stand on. */
let sim: Sim | undefined;

before(async () => {
  sim = await startSim({ clusters: ['one'] });
});

after(() => sim?.close());

const server = (): Server => {
  const url = sim!.serverUrl('one');
  const token = sim!.token('one');
  return {
    source: { text: kubeconfig(url, token) },
    send: async (method, path, body, { contentType = 'application/json' } = {}) => {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
};

const kubeconfig = (url: string, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sim', cluster: { server: url } }],
    users: [{ name: 'sim', user: { token } }],
    contexts: [{ name: 'sim', context: { cluster: 'sim', user: 'sim' } }],
    'current-context': 'sim',
  });

applyLaws(server);
driftLaws(server);
