import { type RolloutStrategy, strategy as schema } from '#proto/documents/strategy.ts';
import { strategyOf } from '#proto/stages.ts';
import { lineFacts } from '../advance.ts';
import type { ClusterFacts, PlacementFacts, Version } from '../facts.ts';
import type { FleetCommand } from '../fleet-commands.ts';
import type { Command, Refused } from '../order.ts';
import { type Phase, phaseOf } from '../phase.ts';
import type { Play, Start } from '../rehearsal/agents.ts';
import { type Happened, World } from '../rehearsal/world.ts';
import { settled } from '../settled.ts';
import { EMPTY_FLEET, type FleetState, type Line, type Target } from '../state.ts';
import { versionsOf } from '../versions.ts';
import { waitingFor } from '../words.ts';

type Labels = Readonly<Record<string, string>>;
type Spec = RolloutStrategy['spec'];
/** cluster → digest; a cluster that is absent has the placement removed. */
type Contents = Readonly<Record<string, string>>;
type Omitted<T> = T extends unknown ? Omit<T, 'by'> : never;

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const BASE = Date.UTC(2026, 10, 23, 9);

export function strategyDocument(spec: Spec) {
  const document = schema.parse({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'RolloutStrategy',
    metadata: { name: 'standard' },
    spec,
  });
  return strategyOf(document);
}

export const ring = (name: string, more: Partial<Spec['stages'][number]> = {}) => ({
  name,
  selector: { matchLabels: { ring: name } },
  ...more,
});

/** A small fleet in virtual time. Agents become Current after 20 s unless told otherwise by `plays`. */
export class Lab {
  readonly world: World;
  readonly plays = new Map<string, Play | 'silent'>();
  #clusters: Map<string, Labels>;
  #placements = new Map<string, PlacementFacts>();
  #blocked = new Map<string, string>();
  #at = 0;

  constructor(rings: Record<string, readonly string[]>, spec: Spec, first?: Contents) {
    this.#clusters = new Map(
      Object.entries(rings).flatMap(([name, clusters]) =>
        clusters.map((one) => [one, { ring: name }] as const),
      ),
    );
    this.#placements.set('app', {
      strategy: strategyDocument(spec),
      versions: [],
      dependsOn: [],
      blocked: this.#blocked,
    });
    if (first) this.#add('app', 'v1', first);
    const facts = {
      ...this.#snapshot(),
      reports: new Map(),
      unreachable: new Set<string>(),
      counting: true,
      answers: new Map(),
    };
    this.world = new World(
      first ? settled(facts, BASE) : EMPTY_FLEET,
      this.#snapshot(),
      (start) => this.#play(start),
      BASE,
    );
    this.world.mostSteps = 20_000;
  }

  #play({ cluster, placement, run }: Start): Play {
    const keys = [
      `${cluster.name}@${run.digest}`,
      `*@${run.digest}`,
      `${placement}/${cluster.name}`,
      cluster.name,
    ];
    const found = keys.map((key) => this.plays.get(key)).find((one) => one !== undefined);
    if (found === 'silent') return [];
    return found ?? [{ afterMs: 20_000, phase: 'current' }];
  }

  #snapshot() {
    const clusters: ClusterFacts[] = [...this.#clusters]
      .map(([name, labels]) => ({ name, labels }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return { clusters, placements: new Map(this.#placements) };
  }

  #add(placement: string, revision: string, contents: Contents, authors: readonly string[] = []): void {
    this.#at += 1;
    this.#addHere(placement, revision, contents, authors);
  }

  #addHere(placement: string, revision: string, contents: Contents, authors: readonly string[]): void {
    const was = this.#placements.get(placement)!;
    const entries = Object.entries(contents).map(
      ([cluster, digest]) => [cluster, { digest, entryRevision: revision }] as const,
    );
    const version: Version = { revision, at: this.#at, contents: new Map(entries), authors };
    this.#placements.set(placement, { ...was, versions: [...was.versions, version] });
  }

  /** A commit that changes the map of a placement. */
  commit(revision: string, contents: Contents, authors: readonly string[] = [], placement = 'app'): void {
    this.#add(placement, revision, contents, authors);
    this.refresh();
  }

  /** One commit that changes the maps of several placements. */
  commitTo(revision: string, contents: Readonly<Record<string, Contents>>): void {
    this.#at += 1;
    for (const [placement, one] of Object.entries(contents)) this.#addHere(placement, revision, one, []);
    this.refresh();
  }

  /** The same digest for every cluster of the fleet. */
  all(digest: string): Contents {
    return Object.fromEntries([...this.#clusters.keys()].map((name) => [name, digest]));
  }

  placement(name: string, dependsOn: readonly string[], spec?: Spec): void {
    const strategy = spec ? strategyDocument(spec) : this.#placements.get('app')!.strategy;
    this.#placements.set(name, { strategy, versions: [], dependsOn, blocked: new Map() });
  }

  dependsOn(placement: string, dependsOn: readonly string[]): void {
    this.#placements.set(placement, { ...this.#placements.get(placement)!, dependsOn });
    this.refresh();
  }

  strategy(spec: Spec): void {
    this.#placements.set('app', { ...this.#placements.get('app')!, strategy: strategyDocument(spec) });
    this.refresh();
  }

  /** Joins a cluster, with its digest in every version that gives any to the cluster it is like. */
  join(name: string, ringName: string, like: string): void {
    this.#clusters.set(name, { ring: ringName });
    this.#versions((contents) => {
      const content = contents.get(like);
      return content ? new Map([...contents, [name, content]]) : contents;
    });
  }

  leave(name: string): void {
    this.#clusters.delete(name);
    this.#versions((contents) => new Map([...contents].filter(([cluster]) => cluster !== name)));
  }

  relabel(name: string, ringName: string): void {
    this.#clusters.set(name, { ring: ringName });
    this.refresh();
  }

  /** Labels besides `ring`. */
  label(name: string, labels: Labels): void {
    this.#clusters.set(name, { ...this.#clusters.get(name), ...labels });
    this.refresh();
  }

  block(name: string, reason: string | undefined): void {
    if (reason === undefined) this.#blocked.delete(name);
    else this.#blocked.set(name, reason);
    this.refresh();
  }

  /** Clusters on which Git lets nothing move. */
  get blocked(): string[] {
    return [...this.#blocked.keys()];
  }

  isPaused(placement = 'app'): boolean {
    const line = this.line(placement);
    return line !== undefined && (line.pauses.length > 0 || line.bus !== undefined);
  }

  #versions(change: (contents: Version['contents']) => Version['contents']): void {
    for (const [name, placement] of this.#placements) {
      const versions = placement.versions.map((one) => ({ ...one, contents: change(one.contents) }));
      this.#placements.set(name, { ...placement, versions });
    }
    this.refresh();
  }

  refresh(): void {
    this.world.setSnapshot(this.#snapshot());
    this.world.settle();
  }

  /** Lets so many milliseconds go by. */
  pass(ms: number): void {
    this.world.runUntil(this.world.now + ms);
  }

  offline(...clusters: readonly string[]): void {
    for (const cluster of clusters) this.world.connect(cluster, false);
    this.world.settle();
  }

  online(...clusters: readonly string[]): void {
    for (const cluster of clusters) this.world.connect(cluster, true);
    this.world.settle();
  }

  /** An attempt of this digest fails there, after 20 s. */
  fails(digest: string, ...clusters: readonly string[]): void {
    const play: Play = [{ afterMs: 20_000, phase: 'failed', message: 'ImagePullBackOff' }];
    for (const cluster of clusters) this.plays.set(`${cluster}@${digest}`, play);
  }

  /** The hub comes back without its state, or with what it had saved before. */
  lose(saved: FleetState = EMPTY_FLEET): void {
    this.world.lose(saved);
    this.world.settle();
  }

  order(command: Omitted<Command>, by = 'alice', placement = 'app'): Refused['refused'] | undefined {
    return this.fleet({ placement, order: { by, ...command } as Command });
  }

  fleet(order: FleetCommand): Refused['refused'] | undefined {
    const refused = this.world.order(order);
    this.world.settle();
    return refused;
  }

  line(placement = 'app'): Line {
    return this.world.state.lines[placement]!;
  }

  target(cluster: string, placement = 'app'): Target | undefined {
    return this.line(placement).targets[cluster];
  }

  /** Cluster → `version State`. */
  get states(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.line().targets)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { run, state }]) => [name, `${run?.revision ?? '-'} ${state}`]),
    );
  }

  versions(placement = 'app'): readonly Version[] {
    return this.#placements.get(placement)!.versions;
  }

  phase(version: string, placement = 'app'): Phase {
    const { strategy, versions } = this.#placements.get(placement)!;
    return phaseOf(this.line(placement), strategy, versionsOf(versions), version);
  }

  passed(stage: string, placement = 'app'): string | undefined {
    return this.line(placement)
      .stages.find(({ name }) => name === stage)
      ?.passed.at(-1);
  }

  waiting(stage: string, placement = 'app'): string {
    return this.line(placement).stages.find(({ name }) => name === stage)?.work?.waiting ?? '';
  }

  /** What people are told of the line. */
  words(placement = 'app'): string[] {
    const { state, facts, now } = this.world;
    const silent = new Map(Object.entries(state.silent).map(([name, { hub }]) => [name, hub]));
    return waitingFor(this.line(placement), lineFacts(state, facts, placement, silent), now);
  }

  /** Clusters to which a digest was published by a rollout, in order. */
  started(version: string): string[] {
    return this.world.events
      .filter(({ what, revision }) => what === 'published' && revision === version)
      .map(({ cluster }) => cluster!);
  }

  happened(what: Happened['what']): Happened[] {
    return this.world.events.filter((event) => event.what === what);
  }
}
