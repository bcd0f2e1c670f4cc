import { formatSelector } from '#proto/selector.ts';
import type { ClusterFacts } from '#rollouts/facts.ts';
import { isAmong } from '#rollouts/membership.ts';
import { isRecovered } from '#rollouts/recover.ts';
import type { FleetState, Whom } from '#rollouts/state.ts';

export const BANNER_KINDS = [
  'FREEZE',
  'HOLD',
  'PIN',
  'PAUSE',
  'RECOVERED',
  'STORE_FULL',
  'BUS_TROUBLE',
  'HISTORY_REWRITTEN',
] as const;

/** What everybody should know: something is not as Git says, on purpose or by trouble. */
export type BannerRow = {
  readonly kind: (typeof BANNER_KINDS)[number];
  readonly message: string;
  readonly by: string | undefined;
  readonly reason: string | undefined;
  /** Unix milliseconds. */
  readonly expiresAt: number | undefined;
};

export function bannersOf(state: FleetState, clusters: readonly ClusterFacts[]): BannerRow[] {
  const made = (
    kind: BannerRow['kind'],
    message: string,
    more: { readonly by?: string; readonly reason?: string; readonly until?: number } = {},
  ): BannerRow => ({ kind, message, by: more.by, reason: more.reason, expiresAt: more.until });
  const { freezes, holds, lines } = state;
  const named = Object.entries(lines).sort(([a], [b]) => (a < b ? -1 : 1));
  const recovered = named.filter(([, line]) => line.pauses.some(({ cause }) => cause === 'recovered'));
  const held = named.filter(([, { bus }]) => bus);
  const banners: BannerRow[] = [];
  if (isRecovered(state)) {
    const waits = recovered.length > 0 ? `${namesOf(recovered)} wait` : 'everything waits';
    banners.push(
      made('RECOVERED', `the hub lost state, or has older state: ${waits} for \`flotilla hub resume\``),
    );
  }
  if (held.length > 0) {
    const lost = Math.max(...held.map(([, { bus }]) => bus!.lost.length));
    banners.push(made('BUS_TROUBLE', `${lost} clusters were lost at once: ${namesOf(held)} are held`));
  }
  for (const freeze of freezes)
    banners.push(made('FREEZE', `nothing new starts on ${whomText(freeze.whom, clusters)}`, freeze));
  for (const [cluster, hold] of Object.entries(holds).sort(([a], [b]) => (a < b ? -1 : 1)))
    banners.push(made('HOLD', `nothing is written on ${cluster}`, hold));
  for (const [placement, { pauses }] of named)
    for (const pause of pauses)
      if (pause.cause === 'operator')
        banners.push(made('PAUSE', `nothing new starts in ${placement}`, pause));
  for (const [placement, { pins }] of named)
    for (const pin of pins)
      banners.push(
        made(
          'PIN',
          `${placement} is pinned to ${pin.version.slice(0, 7)} on ${whomText(pin.whom, clusters)}`,
          pin,
        ),
      );
  return banners;
}

const MOST_NAMED = 3;

function namesOf(lines: readonly (readonly [string, unknown])[]): string {
  const more = lines.length - MOST_NAMED;
  const shown = lines.slice(0, MOST_NAMED).map(([name]) => name);
  return more > 0 ? `${shown.join(', ')} and ${more} more placements` : shown.join(', ');
}

function whomText(whom: Whom, clusters: readonly ClusterFacts[]): string {
  if ('cluster' in whom) return whom.cluster;
  const count = clusters.filter((cluster) => isAmong(whom, cluster)).length;
  const text = formatSelector(whom.selector);
  return `${text === '' ? 'all clusters' : text} (${count} ${count === 1 ? 'cluster' : 'clusters'})`;
}
