/** Git, NATS and hubs as processes of their own, with scripted agents: whole fleets that cost little, for hubs that are halted and killed. */
import { join } from 'node:path';
import type { Trust } from '#hub/bus/trust.ts';
import { createNkey, type Nkey } from '#proto/nkey.ts';
import { writeFiles } from '../e2e/fleet.ts';
import { startTrustedNats } from '../integration/hub-nats.ts';
import { BusSpy } from './bus-spy.ts';
import { WorkingClone } from './git-repository.ts';
import { startGitServer } from './git-server.ts';
import type { NatsServer } from './nats-server.ts';
import { freePort } from './ports.ts';
import { makeScratch } from './scratch.ts';
import { ScriptedAgents, type ScriptedOptions } from './scripted-agents.ts';
import { Service } from './service.ts';

export const API = 'apiVersion: flotilla.dev/v1alpha1';
const HUB = join(import.meta.dirname, '../../hub/main.ts');
const signal = new AbortController().signal;

/** Names of the clusters of each ring, which is a label of theirs; rings in the order of the stages. */
export type Rings = Readonly<Record<string, readonly string[]>>;

export type ScriptedFleetOptions = Pick<ScriptedOptions, 'heartbeatMs' | 'play' | 'speed'> & {
  readonly name: string;
  readonly rings: Rings;
  /** The first commit besides the entries of the clusters; the content of `shop` is that of `overlay('v0')`. */
  readonly files: Readonly<Record<string, string>>;
};

/** One placement, `shop`, on every cluster by a strategy of that name. */
export const fleetFiles = (strategy: string, stages: string): Record<string, string> => ({
  'flotilla.yaml': `${API}\nkind: Fleet\nmetadata: { name: scripted }\nspec: { branch: main }\n`,
  'placements/shop.yaml': `${API}\nkind: Placement\nmetadata: { name: shop }\nspec: { selector: {}, path: apps/shop, strategy: ${strategy} }\n`,
  [`rollouts/${strategy}.yaml`]: strategyOf(strategy, stages),
});
export const strategyOf = (name: string, spec: string) =>
  `${API}\nkind: RolloutStrategy\nmetadata: { name: ${name} }\nspec:\n${spec}`;
export const OVERLAY = 'apps/shop/kustomization.yaml';
export const overlay = (prefix: string) => `namePrefix: ${prefix}-\n`;

/** A key for every cluster, and the entries that carry them. */
export function enrol(rings: Rings): { keys: Map<string, Nkey>; entries: Record<string, string> } {
  const keys = new Map<string, Nkey>();
  const entries: Record<string, string> = {};
  for (const [ring, clusters] of Object.entries(rings))
    for (const cluster of clusters) {
      const key = createNkey('user');
      keys.set(cluster, key);
      entries[`clusters/${cluster}.yaml`] =
        `${API}\nkind: Cluster\nmetadata: { name: ${cluster}, labels: { ring: ${ring} } }\nspec: { agent: { publicKeys: [${key.publicKey}] } }\n`;
    }
  return { keys, entries };
}

export type ScriptedFleet = AsyncDisposable & {
  readonly dir: string;
  readonly nats: NatsServer;
  readonly trust: Trust;
  /** Where hubs keep their keys. */
  readonly data: string;
  readonly url: string;
  readonly clone: WorkingClone;
  readonly agents: ScriptedAgents;
  readonly spy: BusSpy;
  /** A hub that does not run yet, as `url` and `logFile` say. */
  hub(name: string, ...flags: readonly string[]): Promise<Service & { readonly url: string }>;
  /** Commits another content of `shop`, and whatever else; tells the revision. */
  ship(prefix: string, files?: Readonly<Record<string, string>>): Promise<string>;
};

/** Hubs are ended with it; who starts them need not. */
export async function startScriptedFleet(options: ScriptedFleetOptions): Promise<ScriptedFleet> {
  const { name, rings, files, heartbeatMs, play, speed = 1 } = options;
  await using started = new AsyncDisposableStack();
  const { dir } = started.use(await makeScratch(name));
  const { nats, trust, data } = await startTrustedNats(dir);
  started.use(nats);
  const git = started.use(await startGitServer({ dir: join(dir, 'git') }));
  const { keys, entries } = enrol(rings);
  const repository = join(dir, 'repository');
  writeFiles(repository, { ...files, ...entries, [OVERLAY]: overlay('v0') });
  const { url } = await git.createRepository('fleet', { from: repository });
  const clone = await WorkingClone.clone(url, join(dir, 'clone'));
  const agents = started.use(
    await ScriptedAgents.start({ natsUrl: nats.url, trust, keys, heartbeatMs, speed, play }),
  );
  const spy = started.use(await BusSpy.open(nats.url, data, signal));
  const rest = started.move();
  return {
    ...{ dir, nats, trust, data, url, clone, agents, spy },
    async hub(called, ...flags) {
      const port = await freePort();
      const of = ['--git', url, '--nats', nats.url, '--data', data, '--name', called];
      const at = `http://127.0.0.1:${port}`;
      const service = new Service({
        name: called,
        command: process.execPath,
        args: [HUB, 'run', ...of, '--listen', `127.0.0.1:${port}`, ...flags],
        logFile: join(dir, `${called}.log`),
        ready: async (limit) => (await fetch(`${at}/healthz`, { signal: limit })).ok,
      });
      rest.use(service);
      return Object.assign(service, { url: at });
    },
    async ship(prefix, more = {}) {
      for (const [path, text] of Object.entries({ ...more, [OVERLAY]: overlay(prefix) }))
        await clone.write(path, text);
      return clone.commit(`Ship ${prefix}`);
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}
