import type { KubeClient } from '#agent/kube/client.ts';

/** `call` is how the agent writes its own objects. */
const WRITES = ['apply', 'create', 'jsonPatch', 'remove', 'call'] as const;
export type Write = (typeof WRITES)[number];
/** Stands between a write and the API server: `go` does it. */
export type Between = (name: Write, args: readonly unknown[], go: () => Promise<unknown>) => Promise<unknown>;

/** The client with something in the way of every write, whoever it acts as; what is read passes. */
export const betweenWrites = (client: KubeClient, between: Between): KubeClient =>
  new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as (...args: unknown[]) => unknown;
      if (name === 'actingAs' || name === 'refusing')
        return (...args: unknown[]) => betweenWrites(call(...args) as KubeClient, between);
      const write = WRITES.find((each) => each === name);
      if (!write) return call;
      return (...args: unknown[]) => {
        const go = () => call(...args) as Promise<unknown>;
        const [{ method }] = args as [{ method?: string }];
        return method === 'GET' ? go() : between(write, args, go);
      };
    },
  });
