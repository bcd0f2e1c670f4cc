/** Sixty clusters in three rings, two of them real control planes, as the tests of rollouts commit and follow them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNkey } from '#proto/nkey.ts';
import { StatusError } from '#sim/errors.ts';
import { type Sim, startSim } from '#sim/server.ts';
import { outOfOrder, turns } from '../bed/bus-judge.ts';
import { BusSpy, type Heard } from '../bed/bus-spy.ts';
import { type ControlPlanes, startControlPlanes } from '../bed/control-planes.ts';
import { eventually } from '../bed/eventually.ts';
import { ask } from '../bed/graphql.ts';
import { briskly, Line, type LineMember } from '../bed/line.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import { kustomization, writeFiles } from './fleet.ts';

const API = 'apiVersion: flotilla.dev/v1alpha1';
export const RINGS = ['canary', 'early', 'broad'] as const;
type Ring = (typeof RINGS)[number];

/** Of simulated clusters; a real one is a canary, and one is in broad. */
const SIMULATED: Readonly<Record<Ring, number>> = { canary: 3, early: 12, broad: 43 };
const REAL: Readonly<Record<string, Ring>> = { north: 'canary', south: 'broad' };

const members: readonly { name: string; ring: Ring }[] = [
  ...Object.entries(REAL).map(([name, ring]) => ({ name, ring })),
  ...RINGS.flatMap((ring) =>
    Array.from({ length: SIMULATED[ring] }, (_, index) => ({
      name: `${ring}-${String(index + 1).padStart(2, '0')}`,
      ring,
    })),
  ),
];
export const clustersIn = (...rings: readonly Ring[]): string[] =>
  members.filter(({ ring }) => rings.includes(ring)).map(({ name }) => name);
const BY_RING = Object.fromEntries(RINGS.map((ring) => [ring, clustersIn(ring)]));

const FLEET = `${API}
kind: Fleet
metadata: { name: sixty }
spec: { branch: main, labels: { ring: { required: true, enum: [${RINGS.join(', ')}] } } }
`;
const entryOf = (name: string, ring: Ring, publicKey: string) =>
  `${API}\nkind: Cluster\nmetadata: { name: ${name}, labels: { ring: ${ring} } }\nspec: { agent: { publicKeys: [${publicKey}] } }\n`;

/** Times in which a test can wait. A failure that is reported has to last a minute, so that the deadline is what ends a bad change. */
const strategy = (name: string, action: 'pause' | 'rollback', deadline: string) => `${API}
kind: RolloutStrategy
metadata: { name: ${name} }
spec:
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ soak: 1s }] }
    - { name: early, selector: { matchLabels: { ring: early } }, maxConcurrent: 6 }
    - { name: broad, selector: {}, maxConcurrent: 25% }
  failure: { action: ${action} }
  offline: { after: 4s }
  progressDeadline: ${deadline}
`;
const placementOf = (name: string, strategyName: string) => `${API}
kind: Placement
metadata: { name: ${name} }
spec: { selector: {}, path: apps/${name}, namespace: ${name}, createNamespace: true, strategy: ${strategyName} }
`;
/** An image with the word broken in its name never becomes ready on a simulated cluster. */
const deployment = (name: string, image: string) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: ${name}, image: "registry.example/${image}" }] }
`;
const note = (text: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: note }\ndata: { text: ${JSON.stringify(text)} }\n`;

/** Nothing that is good is that late, on the busiest machine. */
const LENIENT = '10m';
const strategies = (deadline: string) => ({
  'rollouts/careful.yaml': strategy('careful', 'pause', deadline),
  'rollouts/undo.yaml': strategy('undo', 'rollback', deadline),
});

/** `shop` pauses when it fails, `desk` is rolled back, `notes` has nothing to do with either. */
const FILES: Readonly<Record<string, string>> = {
  'flotilla.yaml': FLEET,
  ...strategies(LENIENT),
  'placements/shop.yaml': placementOf('shop', 'careful'),
  'placements/desk.yaml': placementOf('desk', 'undo'),
  'placements/notes.yaml': placementOf('notes', 'careful'),
  'apps/shop/kustomization.yaml': kustomization('deployment.yaml'),
  'apps/shop/deployment.yaml': deployment('shop', 'shop:1'),
  'apps/desk/kustomization.yaml': kustomization('deployment.yaml'),
  'apps/desk/deployment.yaml': deployment('desk', 'desk:1'),
  'apps/notes/kustomization.yaml': kustomization('note.yaml'),
  'apps/notes/note.yaml': note('first'),
};

export type Rollout = { alias: string; phase: string; reason: string | null; waitingFor: string[] };
type Placement = 'shop' | 'desk' | 'notes';

export class RolloutFleet implements AsyncDisposable {
  readonly line: Line;
  readonly spy: BusSpy;
  readonly sim: Sim;
  readonly planes: ControlPlanes;
  readonly #scratch: Scratch;

  private constructor(parts: Pick<RolloutFleet, 'line' | 'spy' | 'sim' | 'planes'> & { scratch: Scratch }) {
    this.line = parts.line;
    this.spy = parts.spy;
    this.sim = parts.sim;
    this.planes = parts.planes;
    this.#scratch = parts.scratch;
  }

  static async start(signal: AbortSignal): Promise<RolloutFleet> {
    await using started = new AsyncDisposableStack();
    const scratch = started.use(await makeScratch('rollouts'));
    const { dir } = scratch;
    const simulated = members.filter(({ name }) => !(name in REAL)).map(({ name }) => name);
    const sim = started.use(await startSim({ clusters: simulated }));
    const planes = started.use(
      await startControlPlanes(2, { dir: join(dir, 'planes'), names: Object.keys(REAL) }, signal),
    );
    const repository = join(dir, 'repository');
    mkdirSync(join(dir, 'kubeconfigs'));
    const all = members.map(({ name, ring }): LineMember & { ring: Ring } => {
      const plane = planes.planes.find((one) => one.name === name);
      const simulation = join(dir, 'kubeconfigs', `${name}.yaml`);
      if (!plane) writeFileSync(simulation, sim.kubeconfig(name), { mode: 0o600 });
      return { name, ring, key: createNkey('user'), kubeconfig: plane?.kubeconfigPath ?? simulation };
    });
    const entries = all.map(
      ({ name, ring, key }) => [`clusters/${name}.yaml`, entryOf(name, ring, key.publicKey)] as const,
    );
    writeFiles(repository, { ...FILES, ...Object.fromEntries(entries) });
    const line = started.use(
      await Line.start(
        {
          dir: join(dir, 'line'),
          repository,
          members: [],
          hubFlags: ['--poll', '200ms', '--heartbeat', '3s', '--reconnect', '300ms'],
          agentFlags: briskly('3s'),
        },
        signal,
      ),
    );
    const spy = started.use(await BusSpy.open(line.nats.url, join(line.dir, 'hub'), signal));
    // Canaries apart from the others, so that they can fall silent by themselves.
    await line.addAgents(
      'canaries',
      all.filter(({ ring }) => ring === 'canary'),
      signal,
    );
    await line.addAgents(
      'others',
      all.filter(({ ring }) => ring !== 'canary'),
      signal,
    );
    started.move();
    return new RolloutFleet({ line, spy, sim, planes, scratch });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.spy[Symbol.asyncDispose]();
    await this.line[Symbol.asyncDispose]();
    await this.planes.stop();
    await this.sim.close();
    await this.#scratch[Symbol.asyncDispose]();
  }

  /** Commits another image of a placement, which has failed where it is not Current by the deadline; tells the revision. */
  async ship(placement: 'shop' | 'desk', image: string, deadline = LENIENT): Promise<string> {
    for (const [path, text] of Object.entries(strategies(deadline))) await this.line.clone.write(path, text);
    await this.line.clone.write(`apps/${placement}/deployment.yaml`, deployment(placement, image));
    return this.line.clone.commit(`${placement}: ${image}`);
  }

  async writeNote(text: string): Promise<string> {
    await this.line.clone.write('apps/notes/note.yaml', note(text));
    return this.line.clone.commit(`Note: ${text}`);
  }

  /** The rollout of a revision; undefined where there is none. */
  async rollout(placement: Placement, revision: string, limit: AbortSignal): Promise<Rollout | undefined> {
    const query = `query($filter: RolloutFilter) { rollouts(filter: $filter, first: 1) { nodes {
      alias phase reason waitingFor } } }`;
    type Answer = { rollouts: { nodes: Rollout[] } };
    const filter = { placement, revision };
    return (await ask<Answer>(this.line.graphql, query, { filter }, limit)).rollouts.nodes[0];
  }

  /** Waits until the rollout of a revision is in a phase. */
  async until(placement: Placement, revision: string, phase: string, ms: number): Promise<Rollout> {
    let last: Rollout | undefined;
    return eventually(
      `${placement} at ${revision.slice(0, 7)} to be ${phase}`,
      async (limit) => {
        last = await this.rollout(placement, revision, limit);
        return last?.phase === phase ? last : undefined;
      },
      ms,
      new AbortController().signal,
      () => JSON.stringify(last),
    );
  }

  /** Lets a simulated cluster refuse a Deployment with this image, until what is given back is called. */
  refuseImage(cluster: string, image: string): () => void {
    const refusal = new StatusError(403, 'Forbidden', `${image} is not allowed here`);
    return this.sim
      .cluster(cluster)
      .faults.refuse((_, object) => (JSON.stringify(object ?? {}).includes(image) ? refusal : undefined));
  }

  /** Waits until the hub says of clusters that nobody is there. */
  async untilAway(names: readonly string[], ms: number): Promise<void> {
    const query = `query($filter: ClusterFilter) { clusters(filter: $filter, first: 100) { nodes { status { connectivity } } } }`;
    type Answer = { clusters: { nodes: { status: { connectivity: string } }[] } };
    await eventually(
      `${names.join(', ')} to be away`,
      async (limit) => {
        const { clusters } = await ask<Answer>(this.line.graphql, query, { filter: { names } }, limit);
        return clusters.nodes.every(({ status }) => status.connectivity !== 'CONNECTED') ? true : undefined;
      },
      ms,
      new AbortController().signal,
    );
  }

  /** How much has gone over the bus: for looking at what comes after. */
  get mark(): number {
    return this.spy.heard.length;
  }

  /** Clusters that were told to run something of a placement, in order; of a digest only, if one is given. */
  told(placement: Placement, since: number, digest?: string | null): string[] {
    return this.spy.heard
      .slice(since)
      .filter((one): one is Extract<Heard, { what: 'told' }> => one.what === 'told')
      .filter((one) => one.placement === placement && (digest === undefined || one.digest === digest))
      .map(({ cluster }) => cluster);
  }

  /** The digest that was told first since. */
  digest(placement: Placement, since: number): string | undefined {
    return this.#digests(placement, since)[0];
  }

  /** The digest that was told last since, where something else is told before: who was away is brought back. */
  shipped(placement: Placement, since: number): string | undefined {
    return this.#digests(placement, since).at(-1);
  }

  #digests(placement: Placement, since: number): string[] {
    return this.spy.heard
      .slice(since)
      .flatMap((one) =>
        one.what === 'told' && one.placement === placement && one.digest !== null ? [one.digest] : [],
      );
  }

  /** Rings in the order in which they were told a digest, each as often as it was its turn. */
  ringsTold(placement: Placement, since: number, digest: string): string[] {
    return turns(this.told(placement, since, digest), BY_RING);
  }

  /** Starts of a ring before all of the ring before had said that they are Current on that digest; in words, best none. */
  outOfOrder(placement: Placement, digest: string, since: number): string[] {
    const heard = this.spy.heard.slice(since).filter((one) => one.placement === placement);
    return outOfOrder(heard, digest, BY_RING);
  }
}
