import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IgnoreRule } from '#proto/documents/common.ts';
import { knownControllers, ownedByDesign } from './controllers.ts';
import { compileRules, isIgnored } from './ignore.ts';

const NOW = Date.parse('2026-06-15T12:00:00Z');
const object = { spec: { containers: [{ name: 'side' }, { name: 'web', image: 'x' }] } };
const judged = {
  kind: 'Deployment',
  namespace: 'shop-eu',
  name: 'web',
  path: ['f:spec', 'f:containers', 'k:{"name":"web"}', 'f:image'],
  manager: 'kubectl-edit',
  object,
};
const ignores = (rule: Omit<IgnoreRule, 'reason'>, over: Partial<typeof judged> = {}) =>
  isIgnored(compileRules([{ ...rule, reason: 'x' }], NOW), { ...judged, ...over });

test('a rule covers what all of its parts match', () => {
  const table: [Omit<IgnoreRule, 'reason'>, boolean][] = [
    [{}, true],
    [{ kind: 'Deployment' }, true],
    [{ kind: 'Deploy*', namespace: 'shop-*', name: 'we?' }, true],
    [{ kind: 'deployment' }, false],
    [{ namespace: 'shop' }, false],
    [{ paths: ['/spec'] }, true],
    [{ paths: ['/spec/containers[name=web]/image'] }, true],
    [{ paths: ['/spec/containers[name=side]/image'] }, false],
    [{ paths: ['/spec/containers/1/image'] }, true],
    [{ paths: ['/spec/containers/0/image'] }, false],
    [{ paths: ['/spec/containers/*/image'] }, true],
    [{ paths: ['/spec/containers[*]/image'] }, true],
    [{ paths: ['/*/containers'] }, true],
    [{ paths: ['/spec/containers[name=web]/image/more'] }, false],
    [{ paths: ['/metadata', '/spec'] }, true],
    [{ managers: ['kubectl*'] }, true],
    [{ managers: ['hpa'] }, false],
    [{ kind: 'Deployment', managers: ['hpa'] }, false],
    [{ paths: ['/spec'], managers: ['kubectl*'] }, true],
  ];
  for (const [rule, expected] of table) assert.equal(ignores(rule), expected, JSON.stringify(rule));
});

test('every rule works, whichever stands first, and an expired one does not', () => {
  const rules: IgnoreRule[] = [
    { paths: ['/a'], reason: 'one' },
    { paths: ['/b'], reason: 'two' },
    { paths: ['/c'], reason: 'three', until: '2026-06-14' },
    { paths: ['/d'], reason: 'four', until: '2026-06-15' },
  ];
  const compiled = compileRules(rules, NOW);
  const at = (name: string) => isIgnored(compiled, { ...judged, path: [`f:${name}`] });
  assert.deepEqual(['a', 'b', 'c', 'd'].map(at), [true, true, false, true]);
});

test('escaped names match, and a drift of nobody matches no manager', () => {
  const path = ['f:metadata', 'f:annotations', 'f:a.b/c'];
  assert.ok(ignores({ paths: ['/metadata/annotations/a.b~1c'] }, { path }));
  assert.ok(ignores({ paths: ['/metadata/annotations/a.b*'] }, { path }));
  assert.ok(!isIgnored(compileRules([{ managers: ['*'], reason: 'x' }], NOW), { ...judged, manager: null }));
});

test('controllers are known by name, and a fleet can add its own', () => {
  const known = knownControllers(['our-operator*']);
  for (const name of [
    'kube-controller-manager',
    'cert-manager-cainjector',
    'our-operator-2',
    'vpa-recommender',
  ])
    assert.ok(known(name), name);
  for (const name of ['kubectl', 'kubectl-edit', 'kube-evil', 'our', 'flotilla-agent', 'Mozilla'])
    assert.ok(!known(name), name);
});

test('what the cluster fills in is nobody’s drift, what Git declares is', () => {
  const undeclared = { declared: false, aggregated: false };
  const declared = { declared: true, aggregated: false };
  assert.ok(
    ownedByDesign('ValidatingWebhookConfiguration', '/webhooks[name=a.b]/clientConfig/caBundle', declared),
  );
  assert.ok(ownedByDesign('Service', '/spec/clusterIP', undeclared));
  assert.ok(ownedByDesign('Service', '/spec/ports[port=80,protocol=TCP]/nodePort', undeclared));
  assert.ok(!ownedByDesign('Service', '/spec/ports[port=80,protocol=TCP]/nodePort', declared));
  assert.ok(ownedByDesign('ServiceAccount', '/secrets[name=x]', undeclared));
  assert.ok(ownedByDesign('ClusterRole', '/rules', { declared: true, aggregated: true }));
  assert.ok(!ownedByDesign('ClusterRole', '/rules', declared));
  const restarted = '/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt';
  assert.ok(ownedByDesign('Deployment', restarted, undeclared));
  assert.ok(!ownedByDesign('ConfigMap', '/data/caBundle', undeclared));
});
