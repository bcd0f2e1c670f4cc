import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNkey, type Nkey } from '#proto/nkey.ts';

/** A cluster of the demo's fleet: its name, and the key whose public half stands in its entry. */
export type Member = { name: string; key: Nkey };

const EXAMPLE = join(import.meta.dirname, '../fleet-repo-example');
const EXAMPLE_CLUSTERS = ['dev-eu-1', 'staging-eu-1', 'prod-eu-1', 'prod-us-1', 'prod-eu-2', 'prod-ap-1'];
const REGIONS = ['eu', 'us', 'ap'] as const;

/**
 * Copies the example fleet into `directory` (which becomes the first commit) with `count` clusters whose agents have
 * fresh keys: the example's six first, then more production clusters in turn over the regions.
 */
export function writeFleetRepo(directory: string, count: number): Member[] {
  cpSync(EXAMPLE, directory, { recursive: true, filter: isNoEntry });
  hasten(directory, { soak: '2s', progressDeadline: '1m' });
  return memberNames(count).map((name) => {
    const key = createNkey('user');
    writeFileSync(join(directory, 'clusters', `${name}.yaml`), entryOf(name, key.publicKey));
    return { name, key };
  });
}

/** Lets changes travel in times in which one can look on. */
export function hasten(directory: string, times: { soak?: string; progressDeadline?: string }): void {
  const file = join(directory, 'rollouts/standard.yaml');
  let text = readFileSync(file, 'utf8');
  for (const [key, time] of Object.entries(times))
    text = text.replace(new RegExp(`\\b${key}: \\w+`), `${key}: ${time}`);
  writeFileSync(file, text);
}

/** The entry of a cluster: the example's where there is one, with this key. */
export function entryOf(name: string, publicKey: string): string {
  const example = join(EXAMPLE, 'clusters', `${name}.yaml`);
  if (existsSync(example))
    return readFileSync(example, 'utf8').replace(/publicKeys: \[.*\]/, `publicKeys: [${publicKey}]`);
  const [env = 'prod', region = 'eu'] = name.split('-');
  return `apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata:
  name: ${name}
  labels: { env: ${env}, region: ${region}, ring: broad }
spec:
  agent:
    publicKeys: [${publicKey}]
  values:
    domain: ${name}.acme.example
`;
}

function memberNames(count: number): string[] {
  const more = Array.from({ length: Math.max(0, count - EXAMPLE_CLUSTERS.length) }, (_, index) => {
    return `prod-${REGIONS[index % REGIONS.length]}-${10 + index}`;
  });
  return [...EXAMPLE_CLUSTERS, ...more].slice(0, count);
}

const isNoEntry = (path: string) => !(path.startsWith(join(EXAMPLE, 'clusters')) && path.endsWith('.yaml'));
