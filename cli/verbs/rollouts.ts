import { age } from '../output/words.ts';
import { allRollouts, presentRollouts } from '../rollouts/find.ts';
import { farText, span, wordCell } from '../rollouts/looks.ts';
import { type RolloutItem, rolloutItem } from '../rollouts/nouns.ts';
import type { Listed } from './listed.ts';

export const rollouts: Listed<RolloutItem> = {
  one: 'rollout',
  key: ({ alias }) => alias,
  fingerprint: ({ eta: _eta, ...item }) =>
    JSON.stringify({ ...item, waitingFor: item.waitingFor.map(withoutTimes) }),
  async list({ names, parsed }, { hub, signal }) {
    const [placement, ...more] = parsed.values.get('placement') ?? [];
    const all = parsed.switches.has('all') || names.length > 0 || placement !== undefined;
    const nodes = all
      ? await allRollouts(hub, more.length === 0 && placement !== undefined ? { placement } : {}, signal)
      : await presentRollouts(hub, signal);
    const wanted = parsed.values.get('placement');
    return nodes
      .filter((node) => names.length === 0 || names.includes(node.alias))
      .filter((node) => !wanted || wanted.includes(node.placement.name))
      .map(rolloutItem);
  },
  shape: (now) => ({
    name: ({ alias }) => `rollout/${alias}`,
    columns: [
      ['NAME', ({ alias }) => alias],
      ['PHASE', ({ phase }) => wordCell(phase)],
      ['CLUSTERS', ({ progress }) => farText(progress)],
      ['STAGE', ({ stages }) => stageText(stages)],
      ['AGE', ({ startedAt }) => age(startedAt, now)],
      ['WAITING FOR', ({ waitingFor, reason }) => waitingFor[0] ?? reason ?? '-'],
    ],
    wide: [
      ['FAILED', ({ progress }) => String(progress.failed)],
      ['OFFLINE', ({ progress }) => String(progress.offline + progress.blocked)],
      ['TO GO', ({ eta }) => (eta === null ? '-' : span(Date.parse(eta) - now))],
      ['ENDED', ({ finishedAt }) => age(finishedAt, now)],
      ['AFTER', ({ previous }) => previous?.slice(0, 7) ?? '-'],
      ['COMMIT', ({ commit }) => commit ?? '-'],
    ],
  }),
};

/** Ages in words change by themselves: that is no news. */
const withoutTimes = (words: string): string => words.replaceAll(/ \d+(s|m|h)( \d+m)?\b/g, '');

/** `early 2/3`: the stage that is at it, or the last one that it has passed. */
function stageText(stages: RolloutItem['stages']): string {
  const at = stages.find(({ phase }) => phase !== 'SUCCEEDED') ?? stages.at(-1);
  return at ? `${at.name} ${at.index + 1}/${stages.length}` : '-';
}
