import type { Bootstrap } from '#proto/messages.ts';
import { agentJwt, type Trust } from './bus/trust.ts';
import type { IndexSnapshot } from './core/types.ts';

export type EnrolmentOptions = {
  readonly trust: Trust;
  /** What agents are told. */
  readonly publicUrls: readonly string[];
  /** Unix milliseconds. */
  readonly now: () => number;
};

/** Who may connect as which cluster: whoever holds a key that the cluster's committed entry carries. */
export class Enrolment {
  readonly #options: EnrolmentOptions;
  /** Cluster by public key. */
  #owners: ReadonlyMap<string, string> = new Map();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  setIndex({ clusters }: IndexSnapshot): void {
    const keys = [...clusters].flatMap(([name, { document }]) =>
      document.spec.agent.publicKeys.map((key) => [key, name] as const),
    );
    this.#owners = new Map(keys);
  }

  /** What an agent needs to connect; undefined while no committed entry carries its key. */
  bootstrap(publicKey: string): Bootstrap | undefined {
    const cluster = this.#owners.get(publicKey);
    if (cluster === undefined) return undefined;
    const { trust, publicUrls, now } = this.#options;
    const jwt = agentJwt(trust, cluster, publicKey, now());
    return { v: 1, cluster, jwt, natsUrls: [...publicUrls], hubKeys: [trust.hub.publicKey] };
  }
}
