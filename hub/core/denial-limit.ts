import { TokenBucket } from './rate-limit.ts';

const HOUR_S = 3_600;
/**
 * So many refused orders are kept, of one person and of all. Over the 400 days of the stream those of all are 38,000, some tens of MiB of
 * its 512: however much is refused, it pushes nothing out that was done.
 */
const OF_ONE = { burst: 20, perSecond: 1 / HOUR_S };
const OF_ALL = { burst: 100, perSecond: 4 / HOUR_S };
/** People of whom it is remembered how many were left out. */
const MOST_PEOPLE = 1_000;

type Person = { readonly bucket: TokenBucket; omitted: number };

/** What is to be done with a refused order: kept, with how many before it were not; or left out, the first of a row or not. */
export type Leave =
  | { readonly store: true; readonly omitted: number }
  | { readonly store: false; readonly isFirst: boolean };

/** Which refused orders are kept, so that one person cannot hide those of another, nor all of them what was done. */
export class DenialLimit {
  readonly #all = new TokenBucket(OF_ALL);
  readonly #people = new Map<string, Person>();

  take(by: string, now: number): Leave {
    const person = this.#personOf(by);
    if (!person.bucket.take(now) || !this.#all.take(now)) {
      person.omitted += 1;
      return { store: false, isFirst: person.omitted === 1 };
    }
    const { omitted } = person;
    person.omitted = 0;
    return { store: true, omitted };
  }

  #personOf(by: string): Person {
    const known = this.#people.get(by);
    if (known) return known;
    if (this.#people.size >= MOST_PEOPLE) this.#people.delete(this.#people.keys().next().value!);
    const person = { bucket: new TokenBucket(OF_ONE), omitted: 0 };
    this.#people.set(by, person);
    return person;
  }
}
