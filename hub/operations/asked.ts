import { FlotillaError } from '#proto/faults.ts';
import {
  formatSelector,
  parseSelector,
  type Requirement,
  requirementsOf,
  type Selector,
} from '#proto/selector.ts';
import type { Whom } from '#rollouts/state.ts';
import { invalid } from './types.ts';

const MOST_REASON = 500;
const MOST_SELECTOR = 1_000;
const DAY_MS = 86_400_000;
const MOST_DAYS = 366;

/** Why something is ordered, for everybody who reads it later: one line. */
export function reasonOf(text: string): string {
  const reason = text.trim().replace(/\s+/g, ' ');
  if (reason === '') throw invalid('reason-invalid', 'reason', 'reason is empty: say why');
  if (reason.length > MOST_REASON)
    throw invalid(
      'reason-invalid',
      'reason',
      `reason has ${reason.length} letters, at most ${MOST_REASON} are kept`,
    );
  if (/\p{Cc}/u.test(reason))
    throw invalid(
      'reason-invalid',
      'reason',
      'reason holds control characters: it is a line that people read',
    );
  return reason;
}

/** When a temporary order ends, Unix milliseconds. */
export function expiryOf(at: number, now: number): number {
  const time = new Date(at).toISOString();
  if (at <= now)
    throw invalid('expiry-invalid', 'expiresAt', `expiresAt ${time} is over: it lies in the past`);
  if (at > now + MOST_DAYS * DAY_MS)
    throw invalid(
      'expiry-invalid',
      'expiresAt',
      `expiresAt ${time} is more than ${MOST_DAYS} days away: what is to stay belongs in Git`,
    );
  return at;
}

/** A selector in the one spelling under which orders are kept, so that whoever ends one need not spell it as it was. */
export function selectorOf(text: string): Selector {
  if (text.length > MOST_SELECTOR)
    throw invalid(
      'selector-invalid',
      'selector',
      `selector has ${text.length} letters, at most ${MOST_SELECTOR} are allowed`,
    );
  try {
    return inOneSpelling(parseSelector(text));
  } catch (error) {
    if (!(error instanceof FlotillaError)) throw error;
    throw invalid('selector-invalid', 'selector', error.message);
  }
}

function inOneSpelling(selector: Selector): Selector {
  const parts = requirementsOf(selector).map(
    ({ key, operator, values }): Requirement =>
      values ? { key, operator, values: [...new Set(values)].sort() } : { key, operator },
  );
  const spelled = new Map(parts.map((part) => [formatSelector({ matchExpressions: [part] }), part]));
  const sorted = [...spelled.keys()].sort().map((text) => spelled.get(text)!);
  return sorted.length > 0 ? { matchExpressions: sorted } : {};
}

/** Clusters by name or by selector: exactly one of the two. `''` is every cluster. */
export function whomOf({ cluster, selector }: Asked): Whom {
  if ((cluster == null) === (selector == null))
    throw invalid('argument-invalid', 'selector', 'takes either a selector or the name of a cluster');
  return cluster == null ? { selector: selectorOf(selector!) } : { cluster };
}
export type Asked = {
  readonly cluster?: string | null | undefined;
  readonly selector?: string | null | undefined;
};

export function textOf(whom: Whom): string {
  if ('cluster' in whom) return whom.cluster;
  return formatSelector(whom.selector) || 'all clusters';
}

export const sameWhom = (a: Whom, b: Whom): boolean =>
  'cluster' in a || 'cluster' in b
    ? 'cluster' in a && 'cluster' in b && a.cluster === b.cluster
    : textOf({ selector: inOneSpelling(a.selector) }) === textOf({ selector: inOneSpelling(b.selector) });
