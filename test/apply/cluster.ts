/** Short words for tests of the engine on a real API server: paths, objects, kubectl. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '#agent/core/object.ts';
import type { ControlPlane } from '#test/bed/control-plane.ts';
import { planted } from '#test/bed/planted.ts';
import { cannotRunHere } from '#test/contract/cannot-run.ts';
import { runOwned } from '#tools/owned.ts';

export const NEVER = new AbortController().signal;

/** The path of an object, or of the collection where there is no name. */
export const core = (ns: string, plural: string, name = '') => `/api/v1/namespaces/${ns}/${plural}/${name}`;
export const apps = (ns: string, plural: string, name = '') =>
  `/apis/apps/v1/namespaces/${ns}/${plural}/${name}`;
export const rbac = (plural: string, name: string) => `/apis/rbac.authorization.k8s.io/v1/${plural}/${name}`;
/** The collection that an object's path lies in. */
export const collection = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** An object from its kind, its name (`ns/name` or `name`) and the rest of it. */
export function object(
  apiVersion: string,
  kind: string,
  at: string,
  content: Record<string, unknown> = {},
  meta: Partial<KubeObject['metadata']> = {},
): KubeObject {
  const [first, second] = at.split('/');
  const metadata = second === undefined ? { name: first! } : { name: second, namespace: first! };
  return { apiVersion, kind, metadata: { ...metadata, ...meta }, ...content };
}

export const secret = (at: string, data: Record<string, string>, more: object = {}, annotations = {}) =>
  object('v1', 'Secret', at, { stringData: plantedData(data), ...more }, { annotations });

const plantedData = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, planted(value)]));

export const managersOf = (live: KubeObject | undefined): string[] =>
  (live?.metadata.managedFields ?? [])
    .filter(({ subresource }) => !subresource)
    .map(({ manager = '' }) => manager)
    .sort();

/** kubectl as admin of a control plane; undefined, and said so loudly, where there is none. */
export async function kubectl(
  plane: ControlPlane,
  test: string,
  ...args: string[]
): Promise<string | undefined> {
  const { code, stdout, stderr } = await runOwned('kubectl', [
    `--kubeconfig=${plane.kubeconfigPath}`,
    `--cache-dir=${join(plane.dir, 'kubectl-cache')}`,
    ...args,
  ]);
  if (code === 127 || code === 126) {
    cannotRunHere(test, 'kubectl is not on the PATH');
    return undefined;
  }
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** A file that kubectl can read. */
export function manifest(plane: ControlPlane, name: string, ...objects: object[]): string {
  const path = join(plane.dir, `${name}.json`);
  const whole = objects.length === 1 ? objects[0] : { apiVersion: 'v1', kind: 'List', items: objects };
  writeFileSync(path, JSON.stringify(whole));
  return path;
}
