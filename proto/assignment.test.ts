import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { assignmentDigest, policyHash, policyOf, resolveAssignment, whyNotSelected } from './assignment.ts';
import { hashOf } from './canonical.ts';
import type { Cluster } from './documents/cluster.ts';
import type { Fleet } from './documents/fleet.ts';
import type { Placement } from './documents/placement.ts';
import { readDocument } from './documents/read.ts';

const fleet: Fleet = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Fleet',
  metadata: { name: 'acme' },
  spec: { branch: 'main' },
};
const cluster: Cluster = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Cluster',
  metadata: { name: 'eu-7', labels: { env: 'prod', region: 'eu' } },
  spec: {
    agent: { publicKeys: ['U'] },
    values: { domain: 'eu7.example', replicas: 3, unused: 'x' },
    placementValues: { web: { replicas: 5 } },
  },
};
const web: Placement = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Placement',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { env: 'prod' } },
    path: 'apps/web/overlays/{env}',
    components: [
      { path: 'apps/web/components/eu', selector: { matchLabels: { region: 'eu' } } },
      { path: 'apps/web/components/us', selector: { matchLabels: { region: 'us' } } },
    ],
    values: { required: ['domain'], optional: { replicas: 2, currency: 'USD' } },
  },
};

function resolved(placement: Placement = web, on: Cluster = cluster) {
  const resolution = resolveAssignment(fleet, placement, on);
  assert.ok('assignment' in resolution, JSON.stringify(resolution));
  return resolution.assignment;
}
const nodes = { root: 'r', components: ['c'], charts: false };

test('path, components and values are resolved; the more specific value wins and undeclared ones never enter', () => {
  const assignment = resolved();
  assert.equal(assignment.path, 'apps/web/overlays/prod');
  assert.deepEqual(assignment.components, ['apps/web/components/eu']);
  assert.deepEqual(assignment.values, {
    domain: { value: 'eu7.example', from: 'cluster eu-7 (values)' },
    replicas: { value: 5, from: 'cluster eu-7 (placementValues)' },
    currency: { value: 'USD', from: 'placement web (optional)' },
  });
});

test('a missing required value and a path variable that is no label are named together', () => {
  const bare: Cluster = { ...cluster, metadata: { name: 'eu-7' }, spec: { agent: cluster.spec.agent } };
  const resolution = resolveAssignment(fleet, web, bare);
  assert.ok('faults' in resolution);
  assert.deepEqual(
    resolution.faults.map((fault) => [fault.code, fault.variable]),
    [
      ['path-variable-unknown', 'env'],
      ['value-missing', 'domain'],
    ],
  );
});

test('why a placement does not select a cluster is said in words', () => {
  assert.equal(whyNotSelected(web, cluster), undefined);
  assert.equal(
    whyNotSelected(web, { ...cluster, metadata: { name: 'x', labels: { env: 'dev' } } }),
    'wants env=prod, has env=dev',
  );
});

test('the digest changes with content, namespace, prune and declared values; not with policy, path or undeclared values', () => {
  const digest = assignmentDigest(resolved(), nodes);
  const withSpec = (spec: Partial<Placement['spec']>) =>
    assignmentDigest(resolved({ ...web, spec: { ...web.spec, ...spec } }), nodes);
  assert.equal(
    withSpec({
      drift: { mode: 'report' },
      strategy: 'slow',
      expect: { minClusters: 1 },
      owner: 'me',
      path: 'elsewhere',
    }),
    digest,
  );
  assert.equal(
    assignmentDigest(
      resolved(web, {
        ...cluster,
        spec: { ...cluster.spec, values: { ...cluster.spec.values, unused: 'y' } },
      }),
      nodes,
    ),
    digest,
  );
  assert.notEqual(withSpec({ namespace: 'web' }), digest);
  assert.notEqual(withSpec({ createNamespace: true }), digest);
  assert.notEqual(withSpec({ prune: false }), digest);
  assert.notEqual(
    withSpec({ values: { required: ['domain'], optional: { replicas: 2, currency: 'EUR' } } }),
    digest,
  );
  assert.notEqual(assignmentDigest(resolved(), { ...nodes, root: 'other' }), digest);
  assert.notEqual(assignmentDigest(resolved(), { ...nodes, components: [] }), digest);
});

test('a value of another type is another digest', () => {
  const text: Cluster = {
    ...cluster,
    spec: { ...cluster.spec, placementValues: { web: { replicas: '5' } } },
  };
  assert.notEqual(assignmentDigest(resolved(web, text), nodes), assignmentDigest(resolved(), nodes));
});

test('kubeVersion counts for charts only', () => {
  const pinned: Cluster = { ...cluster, spec: { ...cluster.spec, kubeVersion: '1.34' } };
  assert.equal(assignmentDigest(resolved(web, pinned), nodes), assignmentDigest(resolved(), nodes));
  const charts = { ...nodes, charts: true };
  assert.notEqual(assignmentDigest(resolved(web, pinned), charts), assignmentDigest(resolved(), charts));
});

test('policy has its defaults and a hash of its own', () => {
  const policy = policyOf(fleet, web);
  assert.deepEqual(policy.guards, { maxPrune: 0.3, maxAssignmentsRemoved: 0.1 });
  assert.equal(policy.health.timeoutMs, 300_000);
  const reporting = policyOf(fleet, { ...web, spec: { ...web.spec, drift: { mode: 'report' } } });
  assert.notEqual(policyHash(reporting), policyHash(policy));
});

test('the digest is the hash of canonical JSON, whatever the values and nodes', () => {
  const scalar = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  const drawn = fc.record(
    {
      namespace: fc.constantFrom('shop', 'a"b'),
      createNamespace: fc.boolean(),
      prune: fc.boolean(),
      values: fc.dictionary(fc.string({ minLength: 1 }), scalar),
      kubeVersion: fc.constant('1.34'),
      apiVersions: fc.array(fc.string()),
      nodes: fc.record({
        root: fc.stringMatching(/^[0-9a-f]{64}$/),
        components: fc.array(fc.stringMatching(/^[0-9a-f]{64}$/)),
        charts: fc.boolean(),
      }),
    },
    { requiredKeys: ['createNamespace', 'prune', 'values', 'apiVersions', 'nodes'] },
  );
  fc.assert(
    fc.property(drawn, ({ nodes, values, ...rest }) => {
      const resolved = Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, { value, from: 'x' }]),
      );
      const assignment = {
        cluster: 'c',
        placement: 'p',
        path: 'apps',
        components: [],
        values: resolved,
        ...rest,
      };
      const charts = { kubeVersion: rest.kubeVersion ?? null, apiVersions: rest.apiVersions };
      const { namespace = null, createNamespace, prune } = rest;
      const staged = { namespace, createNamespace, prune, values, charts: nodes.charts ? charts : null };
      const { root, components } = nodes;
      assert.equal(
        assignmentDigest(assignment, nodes),
        hashOf('flotilla-assignment-v1', { root, components, ...staged }),
      );
    }),
  );
});

test('the account that writes is policy: its namespace may be that of the placement', () => {
  const acting = (spec: Partial<Placement['spec']>) =>
    policyOf(fleet, { ...web, spec: { ...web.spec, ...spec } });
  const own = acting({ serviceAccount: { namespace: 'apps', name: 'deployer' } });
  assert.deepEqual(own.serviceAccount, { namespace: 'apps', name: 'deployer' });
  const short = acting({ serviceAccount: 'deployer', namespace: 'apps' });
  assert.deepEqual(short.serviceAccount, own.serviceAccount);
  assert.notEqual(policyHash(own), policyHash(policyOf(fleet, web)));
  assert.equal(policyOf(fleet, web).serviceAccount, undefined);
});

test('accounts of Kubernetes itself, and one without a namespace, are refused where they stand', () => {
  const read = (serviceAccount: string) =>
    readDocument(
      'placements/web.yaml',
      `apiVersion: flotilla.dev/v1alpha1
kind: Placement
metadata: { name: web }
spec:
  selector: {}
  path: apps/web
  serviceAccount: ${serviceAccount}
`,
    );
  const problem = (serviceAccount: string) => {
    const result = read(serviceAccount);
    return 'problems' in result ? result.problems.map(({ message }) => message).join() : 'none';
  };
  assert.equal(problem('{ namespace: apps, name: team.deployer }'), 'none');
  assert.match(
    problem('deployer'),
    /:7:19: spec.serviceAccount: names no namespace, and the placement has none/,
  );
  assert.match(
    problem('{ namespace: kube-system, name: cluster-autoscaler }'),
    /kube-system\/cluster-autoscaler is not for placements: accounts in kube-\* are those of Kubernetes/,
  );
  assert.match(problem('{ nam: x }'), /takes a name, or namespace and name/);
});
