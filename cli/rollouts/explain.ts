import { didYouMean } from '#proto/problems.ts';
import { harmless, paint } from '../output/table.ts';
import type { Surroundings } from '../verb.ts';

const VERSION = '{ revision { oid } digest }';
const EXPLANATION = `stage desired ${VERSION} candidate ${VERSION} steps waitingFor`;
const ONE = `query Why($cluster: String!, $placement: String!) {
  explain(cluster: $cluster, placement: $placement) { ${EXPLANATION} }
}`;
const GIVEN = `query Given($cluster: String!, $after: String) {
  cluster(name: $cluster) { assignments(first: 100, after: $after) {
    nodes { placement { name } } pageInfo { hasNextPage endCursor } } }
}`;
const NAMES = 'query Names { clusters(first: 100) { nodes { name } } }';

type Version = { revision: { oid: string }; digest: string } | null;
type Explanation = {
  stage: string | null;
  desired: Version;
  candidate: Version;
  steps: string[];
  waitingFor: string[];
};
type VersionItem = { revision: string; digest: string } | null;
export type Explained = Omit<Explanation, 'desired' | 'candidate'> & {
  placement: string;
  desired: VersionItem;
  candidate: VersionItem;
};

/** Placements that a hub gives a cluster, by name; undefined where it does not know the cluster, which it says. */
export async function placementsOn(
  cluster: string,
  { hub, talk, signal }: Surroundings,
): Promise<string[] | undefined> {
  type Answer = {
    cluster: {
      assignments: {
        nodes: { placement: { name: string } }[];
        pageInfo: { hasNextPage: boolean; endCursor: string | null };
      };
    } | null;
  };
  const names: string[] = [];
  for (let after: string | null = null; ; ) {
    const answer: Answer = await hub.ask<Answer>(GIVEN, { cluster, after }, signal);
    if (!answer.cluster) {
      const { clusters } = await hub.ask<{ clusters: { nodes: { name: string }[] } }>(NAMES, {}, signal);
      const near = didYouMean(
        cluster,
        clusters.nodes.map(({ name }) => name),
      );
      talk(`cluster ${cluster} does not exist${near ? `; did you mean ${near}?` : ''}`);
      return undefined;
    }
    const { nodes, pageInfo } = answer.cluster.assignments;
    names.push(...nodes.map(({ placement }) => placement.name));
    if (!pageInfo.hasNextPage) return names.sort();
    after = pageInfo.endCursor;
  }
}

/** What the hub has decided about a placement on a cluster, and why; undefined where it has decided nothing. */
export async function explanationOf(
  cluster: string,
  placement: string,
  { hub, signal }: Surroundings,
): Promise<Explained | undefined> {
  const { explain } = await hub.ask<{ explain: Explanation | null }>(ONE, { cluster, placement }, signal);
  if (!explain) return undefined;
  const version = (one: Version): VersionItem => one && { revision: one.revision.oid, digest: one.digest };
  return { placement, ...explain, desired: version(explain.desired), candidate: version(explain.candidate) };
}

export function explainedText(
  cluster: string,
  { placement, steps, waitingFor }: Explained,
  color: boolean,
): string {
  const waits = waitingFor.map(
    (words) => `  ${paint('◇', 'yellow', color)} ${harmless(words.replace(/^waiting for /, 'waits for '))}\n`,
  );
  return `${harmless(`${placement} on ${cluster}`)}\n${steps.map((step) => `  ${harmless(step)}\n`).join('')}${waits.join('')}`;
}
