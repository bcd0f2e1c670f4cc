import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#test/bed/eventually.ts';
import { ask } from '#test/bed/graphql.ts';
import { hasten } from './fleet-repo.ts';
import type { Stage } from './stage.ts';

/** Changes of the shop on their way through canary, early and broad, told while they move. */
const PATIENCE_MS = 120_000;

type Rollout = {
  alias: string;
  phase: string;
  reason: string | null;
  stages: { name: string; progress: { total: number; current: number; failed: number } }[];
  events: { nodes: { type: string; stage: string | null }[] };
};

const QUERY = `query($filter: RolloutFilter) { rollouts(filter: $filter, first: 1) { nodes {
  alias phase reason
  stages { name progress { total current failed } }
  events(first: 100) { nodes { type stage } }
} } }`;

async function rolloutOf(stage: Stage, revision: string, signal: AbortSignal): Promise<Rollout | undefined> {
  const filter = { placement: 'storefront', revision };
  type Answer = { rollouts: { nodes: Rollout[] } };
  return (await ask<Answer>(stage.graphql, QUERY, { filter }, signal)).rollouts.nodes[0];
}

/** Follows the rollout of a revision until it is in a phase; every change of what can be seen is a line. */
async function follow(stage: Stage, revision: string, phase: string, signal: AbortSignal): Promise<Rollout> {
  let told = '';
  return eventually(
    `storefront at ${revision.slice(0, 7)} to be ${phase}`,
    async (limit) => {
      const rollout = await rolloutOf(stage, revision, limit);
      const line = rollout ? lineOf(rollout) : '';
      if (line !== told) stage.say(`    ${line}`);
      told = line;
      return rollout?.phase === phase ? rollout : undefined;
    },
    PATIENCE_MS,
    signal,
    () => told,
  );
}

/** One stage as `canary ●●✖ 2/3`. */
function lineOf({ alias, phase, stages }: Rollout): string {
  const lanes = stages.map(({ name, progress: { total, current, failed } }) => {
    const dots = '●'.repeat(current) + '✖'.repeat(failed) + '○'.repeat(Math.max(0, total - current - failed));
    return `${name} ${dots !== '' && dots.length <= 20 ? `${dots} ` : ''}${current}/${total}`;
  });
  return `${alias} ${phase.padEnd(12)} ${lanes.join('   ')}`;
}

const BASE = 'apps/storefront/base';

function edit(stage: Stage, path: string, from: RegExp, to: string): void {
  const file = join(stage.directory, path);
  const text = readFileSync(file, 'utf8');
  if (!from.test(text)) throw new Error(`${path} does not have what the tour changes: ${from}`);
  writeFileSync(file, text.replace(from, to));
}

export async function rollThrough(stage: Stage, signal: AbortSignal): Promise<string> {
  edit(stage, `${BASE}/shop.properties`, /search\.results=\d+/, 'search.results=48');
  const revision = await stage.commit('Show more results');
  const { stages, events } = await follow(stage, revision, 'SUCCEEDED', signal);
  const passed = events.nodes.filter(({ type }) => type === 'STAGE_PASSED').map((one) => one.stage);
  const expected = stages.map(({ name }) => name);
  if (passed.reverse().join() !== expected.join())
    throw new Error(`stages passed as ${passed.join(', ')} instead of ${expected.join(', ')}`);
  return `${expected.join(' → ')}, each once the one before had passed`;
}

export async function failCanary(stage: Stage, signal: AbortSignal): Promise<string> {
  // On a simulated cluster an image with this word in its name never becomes ready.
  edit(stage, `${BASE}/kustomization.yaml`, /newName: .*/, 'newName: registry.acme.example/shop/broken');
  hasten(stage.directory, { progressDeadline: '10s' });
  const bad = await stage.commit('Ship an image that does not start');
  const { reason, events } = await follow(stage, bad, 'ROLLED_BACK', signal);
  const started = events.nodes.filter(({ type }) => type === 'PUBLISHED').map((one) => one.stage);
  if (started.some((name) => name !== 'canary'))
    throw new Error(`it reached ${[...new Set(started)].join(', ')}`);

  edit(stage, `${BASE}/kustomization.yaml`, /newName: .*/, 'newName: registry.acme.example/shop/storefront');
  hasten(stage.directory, { progressDeadline: '1m' });
  edit(stage, `${BASE}/shop.properties`, /search\.results=\d+/, 'search.results=36');
  const fix = await stage.commit('Take the image back, and show fewer results');
  await follow(stage, fix, 'SUCCEEDED', signal);
  return `${reason ?? 'the canaries failed'}; taken back, nobody else had it; the fix ${fix.slice(0, 7)} went through`;
}
