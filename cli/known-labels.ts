import { FlotillaError } from '#proto/faults.ts';
import { didYouMean } from '#proto/problems.ts';
import { parseSelector, requirementsOf } from '#proto/selector.ts';
import type { Surroundings } from './verb.ts';

const QUERY = '{ fleet { labelKeys } }';

/**
 * Refuses a selector that wants a label which no cluster can have: "0 clusters" would pass for an answer. A label that clusters must
 * *not* have may well be one that none has. The question is asked once, by the first call that gets an answer.
 * @throws FlotillaError selector-invalid naming the label, the one that may be meant and those that are known
 */
export function labelCheck(
  selector: string | null | undefined,
  { hub, signal }: Surroundings,
): () => Promise<void> {
  const wanted = requirementsOf(parseSelector(selector ?? ''))
    .filter(({ operator }) => operator === 'In' || operator === 'Exists')
    .map(({ key }) => key);
  let done = wanted.length === 0;
  return async () => {
    if (done) return;
    const { fleet } = await hub.ask<{ fleet: { labelKeys: string[] } }>(QUERY, {}, signal);
    const known = fleet.labelKeys;
    const strange = wanted.find((key) => !known.includes(key));
    if (strange !== undefined && known.length > 0) {
      const near = didYouMean(strange, known);
      const meant = near ? `; did you mean ${near}?` : '';
      const all = `known labels: ${known.join(', ')}`;
      throw new FlotillaError('selector-invalid', `no cluster has a label ${strange}${meant} (${all})`);
    }
    done = true;
  };
}
