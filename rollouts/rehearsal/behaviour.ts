import { milliseconds } from '#proto/documents/common.ts';
import { matches, parseSelector } from '#proto/selector.ts';
import type { ClusterFacts } from '../facts.ts';
import type { Play, Start } from './agents.ts';
import type { Rule } from './scenario.ts';

const DEFAULT_AFTER = 20_000;
const SLOW_AFTER = 5 * 60_000;
const FLAP_EVERY = 30_000;
const FLAPS = 40;

/** Times of a rule in milliseconds: `after` from a start, `at` and `until` from the change. */
const after = (rule: Rule | undefined) =>
  rule?.after === undefined
    ? rule?.outcome === 'slow'
      ? SLOW_AFTER
      : DEFAULT_AFTER
    : milliseconds(rule.after);
export const fromOf = ({ at }: Rule) => (at === undefined ? 0 : milliseconds(at));
export const untilOf = ({ until }: Rule) =>
  until === undefined ? Number.POSITIVE_INFINITY : milliseconds(until);

/** Decides how clusters behave, by the rules of a scenario; `isOf` tells whether a run is of the version of a revision. */
export class Behaviour {
  readonly #rules: readonly Rule[];
  readonly #chosen: readonly (ReadonlySet<string> | undefined)[];
  readonly #isOf: (start: Start, revision: string) => boolean;

  constructor(
    rules: readonly Rule[],
    clusters: readonly ClusterFacts[],
    seed: number,
    isOf: (start: Start, revision: string) => boolean,
  ) {
    this.#rules = rules;
    this.#isOf = isOf;
    this.#chosen = rules.map((rule, index) =>
      rule.percent === undefined ? undefined : choose(rule, clusters, `${seed}/${index}`),
    );
  }

  /** The rule of a cluster as a whole, whatever runs there: the first that is limited to nothing. */
  ofCluster(cluster: ClusterFacts): Rule | undefined {
    return this.#rules.find(
      (rule, index) =>
        rule.revision === undefined && rule.placement === undefined && this.#covers(rule, index, cluster),
    );
  }

  ofStart(start: Start): Rule | undefined {
    return this.#rules.find(
      (rule, index) =>
        (rule.placement === undefined || rule.placement === start.placement) &&
        this.#covers(rule, index, start.cluster) &&
        (rule.revision === undefined || this.#isOf(start, rule.revision)),
    );
  }

  /** What an agent goes on to say; `sinceMs` is the time of the start since the change. */
  play(start: Start, sinceMs: number): Play {
    const rule = this.ofStart(start);
    const first = after(rule);
    const message = rule?.message === undefined ? {} : { message: rule.message };
    switch (rule?.outcome) {
      case 'failed':
        return [{ afterMs: first, phase: 'failed', ...message }];
      case 'degraded':
        return degraded(first, fromOf(rule) - sinceMs, untilOf(rule) - sinceMs, message);
      case 'flapping':
        return flapping(first, fromOf(rule) - sinceMs, untilOf(rule) - sinceMs, message);
      default:
        return [{ afterMs: first, phase: 'current' }];
    }
  }

  #covers(rule: Rule, index: number, cluster: ClusterFacts): boolean {
    const chosen = this.#chosen[index];
    return chosen ? chosen.has(cluster.name) : isMeant(rule, cluster);
  }
}

const isMeant = ({ name, selector }: Rule, cluster: ClusterFacts) =>
  (name === undefined || name === cluster.name) &&
  (selector === undefined || matches(parseSelector(selector), cluster.labels));

type Said = { readonly message?: string };

/** Was Current, is not between two moments. */
function degraded(first: number, from: number, until: number, said: Said): Play {
  if (until <= first) return [{ afterMs: first, phase: 'current' }];
  const bad = { afterMs: Math.max(first, from), phase: 'failed' as const, ...said };
  const well = from > first ? [{ afterMs: first, phase: 'current' as const }] : [];
  const again = Number.isFinite(until) ? [{ afterMs: until, phase: 'current' as const }] : [];
  return [...well, bad, ...again];
}

/** Comes and goes every half minute, and stays Current in the end. */
function flapping(first: number, from: number, until: number, said: Said): Play {
  const begin = Math.max(first, from);
  const end = Math.min(until, begin + FLAPS * FLAP_EVERY);
  const play: { afterMs: number; phase: 'current' | 'verifying'; message?: string }[] = [
    { afterMs: first, phase: 'current' },
  ];
  for (let at = begin + FLAP_EVERY, well = false; at < end; at += FLAP_EVERY, well = !well)
    play.push({ afterMs: at, phase: well ? 'current' : 'verifying', ...(!well && said) });
  if (end > first) play.push({ afterMs: end, phase: 'current' });
  return play;
}

/** A share of the clusters that a rule means, by the seed: rounded up, so that a rule is never silently nothing. */
function choose(rule: Rule, clusters: readonly ClusterFacts[], seed: string): ReadonlySet<string> {
  const meant = clusters.filter((cluster) => isMeant(rule, cluster));
  const count = Math.ceil((rule.percent! * meant.length) / 100);
  const drawn = meant.map(({ name }) => ({ name, lot: lotOf(`${seed}/${name}`) }));
  drawn.sort((a, b) => a.lot - b.lot || (a.name < b.name ? -1 : 1));
  return new Set(drawn.slice(0, count).map(({ name }) => name));
}

/** A number from a text, evenly spread: FNV-1a with a final mix. */
function lotOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash >>> 0;
}
