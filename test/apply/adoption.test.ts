/** A cluster that another GitOps tool runs is observed, adopted and enforced, on a real control plane with running pods. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#agent/core/object.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { configMap, deployment, Lab, namespace } from '#test/integration/engine-lab.ts';
import { apps, collection, core, managersOf, NEVER, object } from './cluster.ts';
import { realServer } from './servers.ts';

const { server } = realServer('adoption');

/** How a tool marks what is its own, and how it writes. */
type Tool = {
  name: 'flux' | 'argo';
  called: RegExp;
  manager: string;
  mark: (made: KubeObject) => void;
  write: (lab: Lab, path: string, made: KubeObject) => Promise<{ status: number; body: unknown }>;
  isMarked: (live: KubeObject) => boolean;
};
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const TOOLS: Tool[] = [
  {
    name: 'flux',
    called: /is claimed by Flux \(apps\), wanted by placement/,
    manager: 'kustomize-controller',
    mark: (made) => {
      made.metadata.labels = {
        'kustomize.toolkit.fluxcd.io/name': 'apps',
        'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
      };
    },
    write: (lab, path, made) =>
      lab.server.send('PATCH', `${path}?fieldManager=kustomize-controller&force=true`, made, {
        contentType: 'application/apply-patch+yaml',
      }),
    isMarked: ({ metadata }) => 'kustomize.toolkit.fluxcd.io/name' in (metadata.labels ?? {}),
  },
  {
    name: 'argo',
    called: /is claimed by Argo CD \(shop\), wanted by placement/,
    manager: 'argocd-controller',
    mark: (made) => {
      const { namespace: ns, name } = made.metadata;
      made.metadata.annotations = {
        'argocd.argoproj.io/tracking-id': `shop:apps/${made.kind}:${ns}/${name}`,
      };
      made.metadata.annotations[LAST_APPLIED] = JSON.stringify(made);
    },
    write: async (lab, path, made) => {
      const created = await lab.server.send(
        'POST',
        `${collection(path)}?fieldManager=argocd-controller`,
        made,
      );
      if (created.status !== 409) return created;
      return lab.server.send('PATCH', `${path}?fieldManager=argocd-controller`, made, {
        contentType: 'application/merge-patch+json',
      });
    },
    isMarked: ({ metadata }) =>
      'argocd.argoproj.io/tracking-id' in (metadata.annotations ?? {}) ||
      LAST_APPLIED in (metadata.annotations ?? {}),
  },
];

for (const tool of TOOLS)
  test(`a cluster run by ${tool.name} is observed, adopted and enforced without a deletion or a restart`, async () => {
    const ns = `adopt-${tool.name}`;
    const git = () => [
      configMap(ns, 'conf', { colour: 'blue' }),
      deployment(ns, 'web', 'example.com/web:1', 2),
      object('v1', 'Service', `${ns}/web`, { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } }),
    ];
    const paths = [
      core(ns, 'configmaps', 'conf'),
      apps(ns, 'deployments', 'web'),
      core(ns, 'services', 'web'),
    ];
    await using lab = new Lab(server());
    await lab.post('/api/v1/namespaces', namespace(ns));
    for (const [index, made] of git().entries()) {
      // What the tool has beyond Git goes when it is adopted.
      if (made.kind === 'ConfigMap') made.data = { colour: 'red', leftover: 'x' };
      tool.mark(made);
      const { status, body } = await tool.write(lab, paths[index]!, made);
      assert.ok(status < 300, JSON.stringify(body));
    }
    const pods = async () => {
      const { body } = await lab.server.send('GET', collection(core(ns, 'pods', 'x')));
      return (body as { items: (KubeObject & { status?: { phase?: string } })[] }).items;
    };
    const bothRun = async () => {
      const all = await pods();
      return (all.length === 2 && all.every(({ status }) => status?.phase === 'Running')) || undefined;
    };
    await eventually('two pods run', bothRun, PATIENCE_MS, NEVER);
    const running = (await pods()).map(({ metadata }) => metadata.uid).toSorted();
    const lives = () => Promise.all(paths.map((path) => lab.get(path)));
    const before = await lives();

    // Nobody has allowed it: every object is named, with whose it is.
    await assert.rejects(lab.apply(ns, git(), { observe: true }), (error: Error) => {
      for (const name of [`ConfigMap/${ns}/conf`, `Deployment/${ns}/web`, `Service/${ns}/web`])
        assert.ok(error.message.includes(`${name} is claimed by`), `${name} in ${error.message}`);
      assert.ok(error.message.endsWith(`\`adopt: [${tool.name}]\` in the placement takes them over`));
      return tool.called.test(error.message);
    });

    // Observed: the report names every take-over, and nothing is written.
    const adopt = [tool.name];
    const observed = await lab.actions(ns, git(), { observe: true, adopt });
    assert.deepEqual(new Set(Object.values(observed)), new Set(['configured']));
    const report = lab.snapshot(ns).objects;
    assert.deepEqual(
      report.map(({ takenFrom }) => takenFrom),
      [[tool.manager], [tool.manager], [tool.manager]],
    );
    const versions = (all: (KubeObject | undefined)[]) => all.map((each) => each?.metadata.generation);
    assert.deepEqual(versions(await lives()), versions(before));
    for (const live of await lives())
      assert.ok(tool.isMarked(live!) && !managersOf(live).includes('flotilla-agent'));

    // Enforced.
    const done = await lab.actions(ns, git(), { adopt });
    assert.deepEqual(done, observed);
    const live = await lives();
    assert.deepEqual(
      live.map((each) => each?.metadata.uid),
      before.map((each) => each?.metadata.uid),
    );
    assert.deepEqual(live[0]!.data, { colour: 'blue' });
    for (const each of live) {
      assert.ok(!tool.isMarked(each!), `${each!.kind} is no longer marked as of ${tool.name}`);
      assert.ok(!managersOf(each).includes(tool.manager));
    }
    assert.deepEqual(lab.drifts(ns), []);
    assert.ok(!lab.requests.some((request) => request.startsWith('delete')));
    assert.deepEqual(
      (await pods()).map(({ metadata }) => metadata.uid).toSorted(),
      running,
      'the same pods run',
    );

    // The tool still runs: its writes are a fight within a minute.
    const rewritten = git()[0]!;
    rewritten.data = { colour: 'red', leftover: 'x' };
    tool.mark(rewritten);
    const started = Date.now();
    const stop = new AbortController();
    const rewriting = (async () => {
      while (!stop.signal.aborted) {
        await tool.write(lab, paths[0]!, rewritten);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    })();
    try {
      const { drift, message } = await lab.untilEvent('DRIFT_FIGHT', '/data/colour', 60_000);
      assert.equal(drift.manager, tool.manager);
      assert.match(message, new RegExp(`changed by ${tool.manager}.* again and again`));
      assert.ok(Date.now() - started < 60_000);
    } finally {
      stop.abort();
      await rewriting;
    }
  });
