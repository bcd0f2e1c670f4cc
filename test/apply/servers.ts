/** The two API servers that laws of the engine are stated against. */
import { after, before } from 'node:test';
import { type Sim, startSim } from '#sim/server.ts';
import type { ControlPlane } from '#test/bed/control-plane.ts';
import { type ControlPlanes, startControlPlanes } from '#test/bed/control-planes.ts';
import { makeScratch, type Scratch } from '#test/bed/scratch.ts';
import type { Server } from '#test/integration/engine-lab.ts';

/** One real control plane for a whole file; call at its top level. */
export function realServer(name: string): { plane: () => ControlPlane; server: () => Server } {
  let scratch: Scratch | undefined;
  let planes: ControlPlanes | undefined;
  before(async () => {
    scratch = await makeScratch(name);
    planes = await startControlPlanes(1, { dir: scratch.dir });
  });
  after(async () => {
    await planes?.stop();
    await scratch?.[Symbol.asyncDispose]();
  });
  const plane = () => planes!.at(0);
  return { plane, server: () => serverOf(plane()) };
}

const serverOf = (plane: ControlPlane): Server => ({
  source: { file: plane.kubeconfigPath },
  send: (method, path, body, options) => plane.client.send(method, path, body, options),
});

/** One simulated API server for a whole file, over plain HTTP below a path: what demos and scale runs stand on. */
export function simServer(): () => Server {
  let sim: Sim | undefined;
  before(async () => {
    sim = await startSim({ clusters: ['one'] });
  });
  after(() => sim?.close());
  return () => simServerOf(sim!, 'one');
}

export function simServerOf(sim: Sim, cluster: string): Server {
  const url = sim.serverUrl(cluster);
  const token = sim.token(cluster);
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
}

const kubeconfig = (url: string, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sim', cluster: { server: url } }],
    users: [{ name: 'sim', user: { token } }],
    contexts: [{ name: 'sim', context: { cluster: 'sim', user: 'sim' } }],
    'current-context': 'sim',
  });
