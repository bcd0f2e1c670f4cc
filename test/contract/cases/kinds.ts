import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, JsonObject } from '#sim/json.ts';
import { BUILT_IN_KINDS } from '#sim/kinds/kinds.ts';
import type { Case } from '../case.ts';
import { law, pathOf } from '../case.ts';
import { normal } from '../normal.ts';
import { SAMPLES } from '../samples.ts';

/**
 * What a real server made of every sample: defaults, what is left out, owners. `CONTRACT_RECORD=1` writes the file anew
 * from whatever server the cases run against; do so only with the real one.
 */
const FILE = join(import.meta.dirname, '../recorded/kinds.jsonl');
const recorded = new Map(
  readFileSync(FILE, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Recorded)
    .map((entry) => [entry.sample, entry]),
);

/** One line of the file. */
interface Recorded {
  readonly sample: string;
  readonly created: Json;
  readonly applied: Json;
}

/** Written twice, the second apply of these writes once more on a real server: it stores the quantity in another spelling. */
const SETTLES_LATE = ['PersistentVolumeClaim'];
/** Others write to these at any time. */
const HAS_CONTROLLER = [
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'Pod',
  'PodDisruptionBudget',
  'Service',
];

export const KINDS: readonly Case[] = SAMPLES.map((sample) => {
  const { apiVersion, kind, metadata } = sample as {
    apiVersion: string;
    kind: string;
    metadata: { name: string };
  };
  const { name } = metadata;
  return law(`${kind} ${name} gets the recorded defaults and owners`, async ({ api, namespace }) => {
    const { resource, namespaced } = kindOf(apiVersion, kind);
    const text = JSON.stringify(sample).replaceAll('"namespace":"default"', `"namespace":"${namespace}"`);
    const object = JSON.parse(text);
    const all = pathOf(apiVersion, namespaced ? namespace : '', resource);
    const posted = await api.post(`${all}?fieldManager=creator&dryRun=All&fieldValidation=Strict`, object);
    const applied = await api.apply(`${all}/${name}`, 'ours', object, 'dryRun=All&fieldValidation=Strict');
    const seen: Recorded = {
      sample: `${kind} ${name}`,
      created: normal(posted.body as JsonObject),
      applied: normal(applied.body as JsonObject),
    };
    assert.deepEqual([posted.code, applied.code], [201, 201]);
    record(seen);
    assert.deepEqual(seen, recorded.get(seen.sample));
    if (!namespaced || HAS_CONTROLLER.includes(kind)) return;

    const first = await api.apply(`${all}/${name}`, 'ours', object);
    const settled = SETTLES_LATE.includes(kind) ? await api.apply(`${all}/${name}`, 'ours', object) : first;
    const again = await api.apply(`${all}/${name}`, 'ours', object, 'force=true');
    assert.equal(again.body.metadata.resourceVersion, settled.body.metadata.resourceVersion);
  });
});

function kindOf(apiVersion: string, kind: string) {
  const found = BUILT_IN_KINDS.find((known) => known.apiVersion === apiVersion && known.kind === kind);
  if (!found) throw new Error(`${kind} is not simulated`);
  return found;
}

function record(seen: Recorded): void {
  if (process.env.CONTRACT_RECORD !== '1') return;
  recorded.set(seen.sample, seen);
  const lines = [...recorded.values()].map((entry) => JSON.stringify(entry));
  writeFileSync(FILE, `${lines.join('\n')}\n`);
}
