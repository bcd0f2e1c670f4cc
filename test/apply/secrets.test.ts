/** Values of Secrets are planted, everything that can go wrong with them is made to, and whatever came out is searched for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { KubeObject } from '#agent/core/object.ts';
import { decodeInventory } from '#proto/inventory.ts';
import { planted } from '#test/bed/planted.ts';
import { AgentLab, overlay } from '#test/integration/agent-lab.ts';
import { Lab, namespace } from '#test/integration/engine-lab.ts';
import { core, object } from './cluster.ts';
import { realServer } from './servers.ts';

const { server } = realServer('secrets');
const NUMBER = 918_273_645;
const ALL = [...Array.from({ length: 12 }, (_, n) => planted(n)), String(NUMBER)];

function spellings(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = bytes.toString('base64');
  return [
    value,
    base64.replace(/=+$/, ''),
    bytes.toString('base64url'),
    Buffer.from(base64).toString('base64').replace(/=+$/, ''),
    encodeURIComponent(value),
    encodeURI(value),
    new URLSearchParams({ v: value }).toString().slice(2),
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1),
    bytes.toString('hex'),
  ];
}

/** @throws AssertionError with what stands around the first value that is found */
function holdsNone(what: string, produced: unknown): void {
  const text = typeof produced === 'string' ? produced : JSON.stringify(produced);
  assert.ok(text.length > 2, `${what} has something to search`);
  for (const value of ALL)
    for (const spelling of spellings(value)) {
      const at = text.indexOf(spelling);
      assert.equal(at, -1, `${what} holds a value: ${text.slice(Math.max(0, at - 200), at + 100)}`);
    }
}

test('nothing that the engine says of Secrets on a real server holds a value', async () => {
  await using lab = new Lab(server());
  const ns = 'secrets';
  const secret = (name: string, content: Record<string, unknown>): KubeObject =>
    object('v1', 'Secret', `${ns}/${name}`, content);
  const said: unknown[] = [];
  const apply = async (...objects: KubeObject[]) =>
    said.push(await lab.actions(ns, [namespace(ns), ...objects], { mode: 'report' }), lab.snapshot(ns));
  await apply(
    secret('s', { stringData: { p: planted(0), q: planted(1) } }),
    secret('fixed', { immutable: true, stringData: { p: planted(2) } }),
  );
  const base64 = (value: string) => Buffer.from(value).toString('base64');
  const noted = JSON.stringify({ data: { p: base64(planted(3)) } });
  await lab.edit(core(ns, 'secrets', 's'), {
    data: { p: base64(planted(3)), added: base64(planted(4)) },
    metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': noted } },
  });
  await lab.untilEvent('DRIFT_DETECTED', '/data/p');
  await apply(
    secret('s', { stringData: { p: planted(5), q: planted(1) } }),
    secret('fixed', { immutable: true, stringData: { p: planted(6) } }),
    secret('number', { stringData: { n: NUMBER } }),
    secret('raw', { data: { p: planted(7) } }),
    secret('unknown', { stringData: { p: planted(8) }, dta: { p: planted(9) } }),
    secret('wrong', { type: 'kubernetes.io/tls', stringData: { p: planted(10) } }),
    secret('list', { data: [planted(11)] }),
  );
  const failed = Object.values(said[2] as Record<string, string>).filter((text) => text.startsWith('failed'));
  assert.ok(failed.length >= 6, JSON.stringify(said[2]));
  holdsNone('what the engine says', [said, lab.events]);
});

const secretFile = (content: string) => `apiVersion: v1
kind: Secret
metadata: { name: s }
${content}`;
const quoted = (n: number) => JSON.stringify(planted(n));

test('nothing that an agent logs, publishes or keeps outside of Secrets holds a value', async () => {
  await using lab = await AgentLab.open({
    files: {
      ...overlay('web', 'settings', 's'),
      'apps/web/s.yaml': secretFile(`stringData: { p: ${quoted(0)} }`),
    },
  });
  let logged = '';
  const write = (line: string) => {
    logged += line;
  };
  lab.start({}, pino({ level: 'trace' }, { write }));
  await lab.rollOut(await lab.clone.head());
  const path = '/api/v1/namespaces/default/secrets/s?fieldManager=kubectl-edit';
  const edited = { data: { p: Buffer.from(planted(1)).toString('base64') } };
  await lab.kube('PATCH', path, edited, 'application/merge-patch+json');
  await lab.soon('the drift is told', () => lab.events.some(({ type }) => type === 'DRIFT_DETECTED'));
  /** Each goes wrong in its own place: the parser, the renderer, the API server. */
  const wrongs: Record<string, string>[] = [
    { 'apps/web/s.yaml': secretFile(`stringData: { n: ${NUMBER} }`) },
    { 'apps/web/s.yaml': secretFile(`data: { p: ${quoted(2)} }`) },
    { 'apps/web/s.yaml': secretFile(`stringData:\n  p: ${quoted(3)}\n   broken: [`) },
    { 'apps/web/s.yaml': secretFile(`stringData: { p: ${quoted(4)}, p: ${quoted(5)} }`) },
    { 'apps/web/s.yaml': secretFile(`stringData: { p: ${quoted(6)} }\ndta: { p: ${quoted(7)} }`) },
    {
      'apps/web/kustomization.yaml': `resources: [settings.yaml]
namespace: default
secretGenerator:
  - name: made
    literals: [${JSON.stringify(planted(8).replaceAll('=', ''))}]
`,
    },
    {
      'apps/web/kustomization.yaml': `resources: [settings.yaml, s.yaml]
namespace: default
patches:
  - target: { kind: Secret }
    patch: '[{"op": "test", "path": "/data/p", "value": "${planted(9).replaceAll('"', '')}"}]'
`,
    },
  ];
  for (const [index, wrong] of wrongs.entries()) {
    for (const [file, text] of Object.entries(wrong)) await lab.clone.write(file, text);
    const revision = await lab.clone.commit(`Wrong ${index}`);
    const document = await lab.document(revision, ['web']).catch(() => undefined);
    if (!document) continue;
    lab.publish(document);
    const { attempt } = document.assignments[0]!;
    await lab.until(
      `wrong ${index} is told`,
      'web',
      (status) =>
        status.attempt === attempt &&
        (status.faults.length > 0 || status.objects.some(({ error }) => error !== undefined)),
    );
  }
  await lab.stop();
  assert.ok(lab.statuses.length > 5 && lab.events.length > 3 && logged.includes('web'));
  holdsNone('the log', logged);
  holdsNone('what went over the bus', [lab.statuses, lab.events, lab.heartbeats]);
  const { body } = await lab.kube('GET', '/api/v1/namespaces/flotilla-system/configmaps');
  const maps = (body as unknown as { items: KubeObject[] }).items;
  holdsNone('what is kept in ConfigMaps', maps);
  for (const { binaryData } of maps as { binaryData?: Record<string, string> }[])
    for (const chunk of Object.values(binaryData ?? {}))
      holdsNone('an inventory', decodeInventory([Buffer.from(chunk, 'base64')]));
});
