import { didYouMean } from '#proto/problems.ts';
import type { Hub } from '../hub.ts';
import { allPages, PAGE_INFO } from '../pages.ts';
import { isLive, LIVE_PHASES, ROLLOUT, type RolloutNode } from './nouns.ts';

type Page = { nodes: RolloutNode[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
const ALL = `query Rollouts($filter: RolloutFilter, $after: String) {
  rollouts(filter: $filter, first: 50, after: $after) { nodes { ${ROLLOUT} } ${PAGE_INFO} }
}`;
const NEWEST = `query Newest($after: String) {
  placements(first: 50, after: $after) { nodes { name rollouts(first: 1) { nodes { ${ROLLOUT} } } } ${PAGE_INFO} }
}`;
const BY_ID = `query Rollout($id: ID!) { rollout(id: $id) { ${ROLLOUT} } }`;
const BY_CHANGE = `query Change($alias: String!) { change(alias: $alias) { rollouts { ${ROLLOUT} } } }`;

export const allRollouts = (hub: Hub, filter: object, signal: AbortSignal): Promise<RolloutNode[]> =>
  allPages(hub, ALL, { filter }, (answer: { rollouts: Page }) => answer.rollouts, signal);

/** Those under way, and the newest of each placement; the newest first. */
export async function presentRollouts(hub: Hub, signal: AbortSignal): Promise<RolloutNode[]> {
  type Placements = {
    placements: {
      nodes: { name: string; rollouts: { nodes: RolloutNode[] } }[];
      pageInfo: Page['pageInfo'];
    };
  };
  const live = await allRollouts(hub, { phase: LIVE_PHASES }, signal);
  const newest = await allPages(hub, NEWEST, {}, (answer: Placements) => answer.placements, signal);
  const ended = newest.flatMap(({ rollouts }) => rollouts.nodes).filter((one) => !isLive(one));
  return [...live, ...ended];
}

export type Found = { readonly rollouts: RolloutNode[] } | { readonly missing: string };

/**
 * The rollouts that a word on the command line means: NAME is a placement (those of it that are under way, else its newest),
 * NAME@CHANGE one rollout, CHANGE a commit with all its rollouts; or an id of the API.
 */
export async function findRollouts(word: string, hub: Hub, signal: AbortSignal): Promise<Found> {
  const [name, alias] = word.split('@') as [string, string | undefined];
  const of = (placement: string) => allRollouts(hub, { placement }, signal);
  if (alias !== undefined) {
    const found = (await of(name)).filter(
      (one) => one.change.alias === alias || (alias.length >= 4 && one.version.oid.startsWith(alias)),
    );
    return found.length === 1 ? { rollouts: found } : { missing: `rollout ${word} does not exist` };
  }
  const mine = await of(word);
  const live = mine.filter(isLive);
  if (mine.length > 0) return { rollouts: live.length > 0 ? live : mine.slice(0, 1) };
  const { change } = await hub.ask<{ change: { rollouts: RolloutNode[] } | null }>(
    BY_CHANGE,
    { alias: word },
    signal,
  );
  if (change) return { rollouts: change.rollouts };
  const { rollout } = await hub.ask<{ rollout: RolloutNode | null }>(BY_ID, { id: word }, signal);
  if (rollout) return { rollouts: [rollout] };
  const known = await presentRollouts(hub, signal);
  const near = didYouMean(word, [...new Set(known.flatMap((one) => [one.placement.name, one.change.alias]))]);
  return {
    missing: `there is no placement with rollouts and no change ${word}${near ? `; did you mean ${near}?` : ''}`,
  };
}
