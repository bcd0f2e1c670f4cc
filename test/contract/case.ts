import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { PATIENCE_MS } from '../bed/eventually.ts';
import type { Api, Loose, Target } from './api.ts';
import { Api as ApiClient } from './api.ts';

/** One law of the contract; the name is the law. */
export interface Case {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

/** What a case works in: a namespace of its own. */
export interface World {
  readonly api: Api;
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** The path of namespaced objects, such as `path('apps/v1', 'deployments', 'web')`. */
  path(apiVersion: string, resource: string, name?: string): string;
}

/** Short for cases in a table. */
export function law(name: string, run: Case['run']): Case {
  return { name, run };
}

/** A name that no other run uses. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

export function pathOf(apiVersion: string, namespace: string, resource: string, name?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace ? `/namespaces/${namespace}` : '';
  return `${root}${scope}/${resource}${name === undefined ? '' : `/${name}`}`;
}

/** Registers one test a case against a target that is known when the tests run. */
export function holdTo(name: string, target: () => Target, cases: readonly Case[]): void {
  for (const { name: law, run } of cases) {
    test(`${name}: ${law}`, { timeout: 180_000 }, async ({ signal }) => {
      using api = new ApiClient(target());
      const namespace = unique('contract');
      const created = await api.post('/api/v1/namespaces', { metadata: { name: namespace } });
      if (created.code !== 201) throw new Error(`no namespace: ${JSON.stringify(created.body)}`);
      // It is left behind: the target ends with the tests, and deleting a hundred namespaces keeps a real one busy.
      const path: World['path'] = (apiVersion, resource, own) => pathOf(apiVersion, namespace, resource, own);
      await run({ api, namespace, signal, path });
    });
  }
}

/** Asks until the answer is what is waited for; fails with the last answer. */
export async function until(
  what: string,
  ask: () => Promise<Loose>,
  isMet: (answer: Loose) => boolean,
  signal?: AbortSignal,
): Promise<Loose> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (isMet(answer)) return answer;
    if (Date.now() > end)
      throw new Error(`waited in vain for ${what}: ${JSON.stringify(answer).slice(0, 2000)}`);
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
