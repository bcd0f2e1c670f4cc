import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveAssignment } from '#proto/assignment.ts';
import type { FaultCode } from '#proto/faults.ts';
import { createNkey } from '#proto/nkey.ts';
import { NodeCache } from '#render/closure.ts';
import { digestOf } from '#render/digest.ts';
import { FleetReader, required } from './fleet-reader.ts';
import { Revisions } from './testing/revisions.ts';
import { deriveVersion } from './version.ts';

const NEVER = new AbortController().signal;
const key = createNkey('user').publicKey;
const HEAD = 'apiVersion: flotilla.dev/v1alpha1\nkind: ';
const shared = (name: string, spec: string) =>
  `${HEAD}Values\nmetadata: { name: ${name} }\nspec: { selector: {}, ${spec} }\n`;
const placement = (values: string) =>
  `${HEAD}Placement\nmetadata: { name: web }\nspec: { selector: {}, path: apps/web${values} }\n`;
const TAKES = placement(', values: { optional: { tone: plain } }');
const REPO = {
  'flotilla.yaml': `${HEAD}Fleet\nmetadata: { name: f }\nspec: { branch: main }\n`,
  'clusters/one.yaml': `${HEAD}Cluster\nmetadata: { name: one, labels: { env: prod } }\nspec: { agent: { publicKeys: [${key}] } }\n`,
  'placements/web.yaml': TAKES,
  'apps/web/kustomization.yaml': 'resources: [one.yaml]\n',
  'apps/web/one.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: one }\ndata: { tone: "${tone}" }\n',
};

/** What the agent makes of a revision whose digest the hub has told truly, with the Values that the hub read there. */
async function derive(files: Record<string, string>, told?: string) {
  const objects = new Revisions({ r1: { ...REPO, ...files } });
  const reader = new FleetReader(objects);
  const { valid: values } = await reader.values('r1', NEVER);
  const [fleet, web, entry] = [
    required(await reader.fleet('r1', NEVER), 'fleet', 'r1'),
    required(await reader.placement('r1', 'web', NEVER), 'web', 'r1'),
    required(await reader.cluster('r1', 'one', NEVER), 'one', 'r1'),
  ];
  const resolution = resolveAssignment(fleet, web, entry, { values });
  const ours = 'assignment' in resolution ? resolution.assignment : undefined;
  const cache = new NodeCache();
  const digest =
    told ?? (ours ? (await digestOf(objects, 'r1:', ours, cache, NEVER)).digest : '0'.repeat(64));
  const wanted = { placement: 'web', revision: 'r1', entryRevision: 'r1', digest, attempt: 1 };
  return deriveVersion(reader, objects, cache, 'one', wanted, NEVER);
}
const refused = (files: Record<string, string>, code: FaultCode, words: RegExp) =>
  assert.rejects(derive(files), (error: { code?: string; message: string }) => {
    assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message);
    return true;
  });

test('the agent resolves with the Values documents of the revision, and they enter the digest', async () => {
  const without = await derive({});
  assert.equal(without.assignment.values.tone?.value, 'plain');
  const files = { 'values/deep/loud.yaml': shared('loud', 'values: { tone: loud }') };
  const given = await derive(files);
  assert.equal(given.assignment.values.tone?.value, 'loud');
  assert.notEqual(given.closure.digest, without.closure.digest);
  await assert.rejects(derive(files, without.closure.digest), { code: 'digest-mismatch' });
  const elsewhere = shared('loud', 'values: { tone: loud }').replace('{}', '{ matchLabels: { env: dev } }');
  assert.equal(
    (await derive({ 'values/loud.yaml': elsewhere })).closure.digest,
    without.closure.digest,
    'a document that selects other clusters changes nothing',
  );
});

test('Values that cannot be read or contradict one another are a fault that names file and reason', async () => {
  await refused(
    { 'values/loud.yaml': 'nonsense: [' },
    'document-syntax',
    /Values at r1 .*values\/loud\.yaml/,
  );
  await refused(
    {
      'values/a/loud.yaml': shared('loud', 'values: { tone: loud }'),
      'values/b/loud.yaml': shared('loud', 'values: { tone: louder }'),
    },
    'document-duplicate',
    /exists already in values\/a\/loud\.yaml/,
  );
  await refused(
    {
      'values/a.yaml': shared('a', 'values: { tone: loud }'),
      'values/b.yaml': shared('b', 'values: { tone: louder }'),
    },
    'value-conflict',
    /values\/a\.yaml and another one from values\/b\.yaml/,
  );
  await refused(
    { 'values/a.yaml': shared('a', 'placement: web, values: { tune: x }') },
    'value-undeclared',
    /tune/,
  );
});

test('a placement that declares no names is not held up by invalid Values', async () => {
  const files = { 'placements/web.yaml': placement(''), 'values/loud.yaml': 'nonsense: [' };
  assert.deepEqual((await derive(files)).assignment.values, {});
});

test('what stands in values/ and is no document concerns nobody', async () => {
  const files = { 'values/README.md': 'words', 'values/list.txt': '- x' };
  assert.equal((await derive(files)).assignment.values.tone?.value, 'plain');
});
