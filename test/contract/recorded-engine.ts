/**
 * Records what the apply engine asks of a real API server, and what that answers, for the contract to replay
 * (`cases/engine.ts`): `CONTRACT_RECORD=1 node --test test/contract/real.test.ts`.
 */
import type { KubeObject } from '#agent/core/object.ts';
import { ClusterEngine } from '#agent/engine/cluster-engine.ts';
import { DEFAULT_POLICY, type Policy } from '#agent/engine/ports.ts';
import { KubeClient } from '#agent/kube/client.ts';
import { connect } from '#agent/kube/connection.ts';
import { OwnObjects } from '#agent/state/api.ts';
import { ConfigMapInventoryStore } from '#agent/state/inventories.ts';
import { Api, MERGE_PATCH, type Target } from './api.ts';
import { pathOf, unique, until } from './case.ts';
import { type Exchange, kubeconfig, recorder } from './recorder.ts';

/** Everything that the engine does to a cluster, once. Returns what it asked. */
export async function recordEngine(target: Target): Promise<Exchange[]> {
  using api = new Api(target);
  const exchanges: Exchange[] = [];
  const ns = unique('contract');
  await api.post('/api/v1/namespaces', { metadata: { name: ns } });
  const through = await recorder(target, exchanges);
  const kube = new KubeClient(connect({ text: kubeconfig(through.url) }));
  const store = new ConfigMapInventoryStore(new OwnObjects(kube, ns));
  const listener = { changed: () => undefined, event: () => undefined };
  const engine = new ClusterEngine({ kube, store, listener, ownNamespace: ns });
  const { signal } = new AbortController();
  const apply = (objects: KubeObject[], policy: Partial<Policy> = {}) =>
    engine.apply(
      { placement: 'recorded', objects, policy: { ...DEFAULT_POLICY, maxPrune: 1, ...policy } },
      signal,
    );
  const map = (name: string) => pathOf('v1', ns, 'configmaps', name);
  using hands = new Api({ name: 'people', url: through.url, token: target.token });
  try {
    // Applied by kubectl before, to be taken over; the second key is not in Git.
    const noted = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    await hands.post(`${pathOf('v1', ns, 'configmaps')}?fieldManager=kubectl-client-side-apply`, {
      metadata: { name: 'adopted', annotations: noted },
      data: { v: '0', old: 'yes' },
    });
    await apply(objectsOf(ns, '1'));
    await apply(objectsOf(ns, '2'));
    await apply([...objectsOf(ns, '2').slice(1), wrong(ns)]);
    await apply(objectsOf(ns, '3'), { observe: true });
    await apply(objectsOf(ns, '2'), { extras: 'remove' });
    // An addition that the engine takes away, and a value that it puts back.
    const edited = `${map('changes')}?fieldManager=kubectl-edit`;
    await hands.patch(edited, MERGE_PATCH, { data: { v: 'theirs', extra: 'theirs' } });
    const isBack = ({ data }: { data: Record<string, string> }) => data.v === '2' && data.extra === undefined;
    await until('the correction', async () => (await api.get(map('changes'))).body, isBack);
    await apply(objectsOf(ns, '2').slice(2));
    await engine.flushAll(signal);
    await engine.retire('recorded', [], { ...DEFAULT_POLICY, approvals: ['*'] }, signal);
  } finally {
    await engine.close();
    await kube.close();
    through.close();
  }
  return JSON.parse(JSON.stringify(exchanges).replaceAll(ns, '<namespace>')) as Exchange[];
}

/** Kinds that no controller writes to. */
function objectsOf(ns: string, v: string): KubeObject[] {
  const named = (
    kind: string,
    name: string,
    content: object,
    annotations?: Record<string, string>,
  ): KubeObject => ({
    apiVersion: kind.startsWith('Role') ? 'rbac.authorization.k8s.io/v1' : 'v1',
    kind,
    metadata: { name, namespace: ns, ...(annotations && { annotations }) },
    ...content,
  });
  return [
    named('ConfigMap', 'goes', { data: { v: '1' } }),
    named('ServiceAccount', 'goes-too', {}),
    named('ConfigMap', 'adopted', { data: { v } }),
    named('ConfigMap', 'changes', { data: v === '1' ? { v, dropped: 'later' } : { v } }),
    named(
      'Secret',
      'fixed',
      { immutable: true, stringData: { p: v } },
      { 'flotilla.dev/recreate': 'enabled' },
    ),
    named('Role', 'reader', { rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }] }),
    named('RoleBinding', 'reader', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: ns }],
    }),
  ];
}

const wrong = (ns: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'wrong', namespace: ns },
  data: { v: '1' },
  dta: { v: '1' },
});
