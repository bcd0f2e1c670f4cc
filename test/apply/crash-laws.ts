/**
 * The process is killed after each of its writes in turn, inventory included, and started again: the final state is that of a run
 * that nobody interrupted.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#agent/core/object.ts';
import { DEFAULT_POLICY } from '#agent/engine/ports.ts';
import type { KubeClient } from '#agent/kube/client.ts';
import { aborted } from '#process/wait.ts';
import { betweenWrites } from '#test/integration/client-between.ts';
import { configMap, deployment, Lab, namespace, type Server } from '#test/integration/engine-lab.ts';
import { collection, core, NEVER, secret } from './cluster.ts';

type Revision = { placement: string; objects: KubeObject[] }[];

/** Everything that a revision can ask for: create, change, replace, prune, and hand over to another placement. */
export function revisions(ns: string): { first: Revision; second: Revision } {
  const recreate = { 'flotilla.dev/recreate': 'enabled' };
  const fixed = (value: string) => secret(`${ns}/fixed`, { p: value }, { immutable: true }, recreate);
  const giver = `${ns}-giver`;
  const taker = `${ns}-taker`;
  return {
    first: [
      {
        placement: giver,
        objects: [
          namespace(ns),
          configMap(ns, 'same', { v: '1' }),
          configMap(ns, 'changes', { v: '1', goes: '1' }),
          configMap(ns, 'goes', { v: '1' }),
          configMap(ns, 'moves', { v: '1' }),
          fixed('one'),
          deployment(ns, 'web', 'example.com/web:1', 0),
        ],
      },
      { placement: taker, objects: [configMap(ns, 'own', { v: '1' })] },
    ],
    second: [
      {
        placement: giver,
        objects: [
          namespace(ns),
          configMap(ns, 'same', { v: '1' }),
          configMap(ns, 'changes', { v: '2' }),
          configMap(ns, 'comes', { v: '1' }),
          fixed('two'),
          deployment(ns, 'web', 'example.com/web:2', 0),
        ],
      },
      { placement: taker, objects: [configMap(ns, 'own', { v: '2' }), configMap(ns, 'moves', { v: '2' })] },
    ],
  };
}

/** As the agent does after any start: everybody says what they want, everything is applied, then what is stale goes, and what was noted is written. */
export async function converge(lab: Lab, revision: Revision): Promise<void> {
  const assignments = revision.map((each) => ({ ...each, policy: DEFAULT_POLICY, keepStale: true }));
  for (const assignment of assignments) await lab.engine.intend(assignment, NEVER);
  for (const assignment of assignments) await lab.engine.apply(assignment, NEVER);
  for (const { placement } of revision) await lab.engine.prune(placement, NEVER);
  await lab.engine.flushAll(NEVER);
}

/** A client whose process is dead after so many writes: no answer comes any more. */
function mortal(writes: number, died: () => void): (client: KubeClient) => KubeClient {
  let left = writes;
  return (client) =>
    betweenWrites(client, async (_, args, go) => {
      const at = args.findIndex((arg) => arg instanceof AbortSignal);
      const [signal, how] = args.slice(at) as [AbortSignal, { dryRun?: boolean } | undefined];
      if (how?.dryRun) return go();
      if (left > 0) {
        left--;
        return go();
      }
      died();
      await aborted(signal);
      throw signal.reason;
    });
}

/** What is in a namespace, without what no two runs share. */
export async function stateOf(lab: Lab, ns: string): Promise<unknown> {
  const paths = [
    core(ns, 'configmaps', 'x'),
    core(ns, 'secrets', 'x'),
    `/apis/apps/v1/namespaces/${ns}/deployments/x`,
  ];
  const lists = await Promise.all(paths.map((path) => lab.server.send('GET', collection(path))));
  const objects = lists.flatMap(({ body }) => (body as { items: KubeObject[] }).items);
  const told = objects
    .filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
    .map(({ metadata, status: _, ...content }) => ({
      ...content,
      name: metadata.name,
      labels: metadata.labels,
      owners: (metadata.managedFields ?? [])
        .filter(({ subresource }) => !subresource)
        .map(({ manager, operation, fieldsV1 }) => ({ manager, operation, fieldsV1 }))
        .toSorted((a, b) => (`${a.manager}${a.operation}` < `${b.manager}${b.operation}` ? -1 : 1)),
    }))
    .toSorted((a, b) => (JSON.stringify(a.name) < JSON.stringify(b.name) ? -1 : 1));
  const inventories = await Promise.all([`${ns}-giver`, `${ns}-taker`].map((name) => lab.inventory(name)));
  return JSON.parse(JSON.stringify([told, inventories]).replaceAll(ns, 'NS'), withoutRevision);
}

/** The Deployment controller counts its own revisions; which ones it saw depends on the moment. */
const withoutRevision = (key: string, value: unknown): unknown =>
  key === 'annotations' || key === 'f:annotations' ? undefined : value;

export const foreign = ['somebody-elses', 'labelled-by-hand'];

export async function withForeignObjects(lab: Lab, ns: string): Promise<void> {
  const path = collection(core(ns, 'configmaps', 'x'));
  await lab.post(path, { metadata: { name: foreign[0] } }, 'somebody');
  const labels = { 'flotilla.dev/placement': `${ns}-giver` };
  await lab.post(path, { metadata: { name: foreign[1], labels } }, 'somebody');
}

export const uidOf = async (lab: Lab, ns: string, name: string) =>
  (await lab.get(core(ns, 'configmaps', name)))?.metadata.uid;

/** Tries every number of writes until one run comes to its end. Returns how many deaths there were. */
async function dieEverywhere(
  server: Server,
  prefix: string,
  step: 'first' | 'second',
  expected: unknown,
): Promise<number> {
  for (let writes = 0; ; writes++) {
    const ns = `${prefix}-${step}-${writes}`;
    const revision = revisions(ns)[step];
    if (step === 'second') {
      await using before = new Lab(server);
      await converge(before, revisions(ns).first);
    }
    await using hands = new Lab(server);
    if (step === 'second') await withForeignObjects(hands, ns);
    const uids = await Promise.all([...foreign, 'moves'].map((name) => uidOf(hands, ns, name)));
    const death = Promise.withResolvers<true>();
    {
      await using dying = new Lab(
        server,
        undefined,
        mortal(writes, () => death.resolve(true)),
      );
      const running = converge(dying, revision).then(() => false as const);
      running.catch(() => undefined);
      const dead = await Promise.race([death.promise, running]);
      await dying.crash();
      if (!dead) return writes;
    }
    await using lab = new Lab(server);
    await converge(lab, revision);
    if (step === 'first') await withForeignObjects(lab, ns);
    await untilNamed(lab, revision);
    assert.deepEqual(
      await stateOf(lab, ns),
      expected,
      `killed after ${writes} writes of the ${step} revision`,
    );
    if (step === 'first') continue;
    assert.deepEqual(
      await Promise.all([...foreign, 'moves'].map((name) => uidOf(lab, ns, name))),
      uids,
      `what is not ours, and what moves, is never deleted (${writes} writes)`,
    );
  }
}

/** Until the inventories name exactly what the revision has: no orphan, and nothing that is only intended. */
export async function untilNamed(lab: Lab, revision: Revision): Promise<void> {
  for (const { placement, objects } of revision)
    await lab.untilInventory(
      placement,
      objects.map(({ kind, metadata }) => `applied ${kind}/${metadata.name}`).toSorted(byInventory),
    );
}

/** Core kinds stand before those of a group, as ids sort. */
function byInventory(a: string, b: string): number {
  const key = (text: string) => (/Deployment/.test(text) ? `z${text}` : text);
  return key(a) < key(b) ? -1 : 1;
}

export function crashLaws(server: () => Server): void {
  for (const step of ['first', 'second'] as const)
    test(`killed after any write of the ${step} revision, the next process ends where an uninterrupted one does`, async (t) => {
      const ns = `whole-${step}`;
      const { first, second } = revisions(ns);
      let expected: unknown;
      {
        await using lab = new Lab(server());
        await converge(lab, first);
        await withForeignObjects(lab, ns);
        if (step === 'second') await converge(lab, second);
        await untilNamed(lab, step === 'first' ? first : second);
        expected = await stateOf(lab, ns);
      }
      const deaths = await dieEverywhere(server(), 'crash', step, expected);
      t.diagnostic(`${deaths} deaths`);
      assert.ok(deaths >= 10, `there were only ${deaths}`);
    });
}
