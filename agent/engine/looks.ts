import { pause } from '#process/wait.ts';
import { OWNER_LABEL } from '../core/managed-fields.ts';
import { type KubeObject, objectId } from '../core/object.ts';
import { targetOf } from '../kube/client.ts';
import { mayList } from './contact.ts';
import { eachOf } from './pool.ts';
import type { Kube } from './ports.ts';
import { Rounds } from './rounds.ts';
import type { Tracked } from './tracked.ts';

/** So many objects of one kind are found in a list; a list of a thousand costs as much as a hundred gets (facts.md). */
const MANY = 12;
/** A list is worth it where it holds at most so many times what is asked for. */
const MOST_BESIDE = 10;
const WIDTH = 8;
/** While so many at once are looked at, the next ones are gathered a little longer, ms. */
const SEVERAL = 3;
const GATHER_MS = 150;

/**
 * Live objects, whole, of those that something happened to: one by one, or from a list where a rollout moves many of a kind at once.
 */
export class Looks {
  readonly #rounds: Rounds<Tracked, KubeObject>;
  readonly #kube: Kube;
  readonly #life: AbortSignal;
  /** How many objects the last list of a kind held. */
  readonly #sizes = new Map<string, number>();

  constructor(kube: Kube, life: AbortSignal) {
    this.#kube = kube;
    this.#life = life;
    const gather = (last: number) => pause(last >= SEVERAL ? GATHER_MS : 0, life);
    this.#rounds = new Rounds(kindOf, (round) => this.#answer(round), gather);
  }

  /** Undefined where it does not exist. Never older than the question. @throws KubeError */
  get(tracked: Tracked): Promise<KubeObject | undefined> {
    return this.#rounds.ask(tracked, this.#life);
  }

  async #answer(round: readonly Tracked[]): Promise<Map<Tracked, KubeObject>> {
    const found = new Map<Tracked, KubeObject>();
    const size = this.#sizes.get(kindOf(round[0]!)) ?? 0;
    if (round.length >= MANY && size <= MOST_BESIDE * round.length) await mayList(this.#list(round, found));
    // What is in no list may exist without our label.
    const rest = round.filter((tracked) => !found.has(tracked));
    await eachOf(rest, WIDTH, async (tracked) => {
      const live = await this.#kube.get(targetOf(tracked.resource, tracked.object), this.#life);
      if (live) found.set(tracked, live);
    });
    return found;
  }

  async #list(round: readonly Tracked[], found: Map<Tracked, KubeObject>): Promise<void> {
    const wanted = new Map(round.map((tracked) => [tracked.id, tracked]));
    const { resource } = round[0]!;
    let size = 0;
    for await (const { items } of this.#kube.pages(resource, { labelSelector: OWNER_LABEL }, this.#life)) {
      size += items.length;
      for (const live of items) {
        const tracked = wanted.get(objectId(live));
        if (tracked) found.set(tracked, live);
      }
    }
    this.#sizes.set(kindOf(round[0]!), size);
  }
}

const kindOf = ({ resource: { group, version, kind } }: Tracked): string => `${group}/${version}/${kind}`;
