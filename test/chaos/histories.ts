/** What the chaos tests play: who dies where, in the middle of which change. Decided by the seed alone, before anything runs. */
import { randomFrom } from '../bed/random.ts';

export type Victim = 'hub' | 'agent' | 'broker' | 'git';
export const VICTIMS: readonly Victim[] = ['hub', 'agent', 'broker', 'git'];

/** A step of a process, as its markers name it. */
export type Step = { of: 'hub' | 'agent'; name: string };

/** Where a victim dies: its own step, or while another process is halted at its step. */
type Scenario = { dies?: Step; halts?: Step };

const hub = (name: string): Step => ({ of: 'hub', name });
const agent = (name: string): Step => ({ of: 'agent', name });

export const SCENARIOS: Readonly<Record<Victim, readonly Scenario[]>> = {
  hub: [
    { dies: hub('state-saved') },
    // Published but not fetched.
    { dies: hub('published'), halts: agent('desired-accepted') },
  ],
  agent: [
    'desired-accepted',
    'fetched',
    // The inventory is written, nothing is applied.
    'inventory-written',
    'between-writes',
    'applied',
    'pruned',
    'inventory-finalised',
  ].map((name) => ({ dies: agent(name) })),
  broker: [
    { halts: agent('desired-accepted') },
    { halts: agent('between-writes') },
    { halts: hub('state-saved') },
  ],
  git: [{ halts: agent('desired-accepted') }],
};

/** What Git says of placement `web`: its ConfigMaps, and the replicas of its Deployment. */
export type Content = { maps: Readonly<Record<string, Readonly<Record<string, string>>>>; replicas: number };

export type Change = {
  kind: 'edit' | 'add' | 'remove' | 'scale' | 'swap';
  edited: readonly string[];
  added: readonly string[];
  removed: readonly string[];
};

export type History = {
  victim: Victim;
  seed: number;
  /** With the number of times that the step is passed from the commit on until it is the one meant. */
  dies?: Step & { nth: number };
  halts?: Step & { nth: number };
  change: Change;
  before: Content;
  /** What the commit makes of it. */
  changed: Content;
  /** Whether the commit is reverted while the victim is dead: then what was done by half has to be undone. */
  reverts: boolean;
  /** What Git says in the end. */
  after: Content;
  /** Whether what is halted goes on before what died is started again. */
  goesOnFirst: boolean;
};

/** So many deletions pass the prune guard whatever the size of the inventory. */
const MOST_REMOVED = 3;
const FEWEST_MAPS = 3;
/** With more than these nothing is added unless as much is taken away. */
const MANY_MAPS = 12;
/** Kinds of change during which a step is passed; every other step is passed in any of them. */
const KINDS: Readonly<Record<string, readonly Change['kind'][]>> = {
  'inventory-written': ['add', 'swap'],
  'between-writes': ['edit', 'add', 'swap'],
  pruned: ['remove', 'swap'],
  'inventory-finalised': ['add', 'remove', 'swap'],
};
const ANY: readonly Change['kind'][] = ['edit', 'add', 'remove', 'scale', 'swap'];

export const START: Content = {
  maps: Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`map-${index + 1}`, { value: 'first' }])),
  replicas: 2,
};

/** All histories in the order in which they are played, each going on from the one before. Seeds count from 1. */
export function histories(seeds: number): History[] {
  const all: History[] = [];
  let content = START;
  for (let seed = 1; seed <= seeds; seed++)
    for (const victim of VICTIMS) {
      const history = historyOf(victim, seed, content);
      all.push(history);
      content = history.after;
    }
  return all;
}

function historyOf(victim: Victim, seed: number, before: Content): History {
  const random = randomFrom(seed * VICTIMS.length + VICTIMS.indexOf(victim));
  const { dies, halts } = scenarioOf(victim, seed);
  const point = (dies ?? halts)!.name;
  const names = Object.keys(before.maps);
  const possible = (kind: Change['kind']) =>
    (kind !== 'remove' || names.length > FEWEST_MAPS) && (kind !== 'add' || names.length <= MANY_MAPS);
  const kinds = (KINDS[point] ?? ANY).filter(possible);
  const change = changeOf(pick(kinds, random), names, `${victim}-${seed}`, random);
  const outcome = changed(before, change, `${victim}-${seed}`, random);
  const reverts = victim === 'agent' && random() < 0.4;
  const at = (step: Step) => ({ ...step, nth: nthOf(step.name, change, random) });
  return {
    victim,
    seed,
    ...(dies && { dies: at(dies) }),
    ...(halts && { halts: at(halts) }),
    change,
    before,
    changed: outcome,
    reverts,
    after: reverts ? before : outcome,
    goesOnFirst: random() < 0.5,
  };
}

/** Seeds deal out the points of a victim like cards, so that as many seeds as it has points meet every one of them. */
function scenarioOf(victim: Victim, seed: number): Scenario {
  const cards = SCENARIOS[victim];
  const round = Math.floor((seed - 1) / cards.length);
  const random = randomFrom(1_000 + round * VICTIMS.length + VICTIMS.indexOf(victim));
  return shuffled(cards, random)[(seed - 1) % cards.length]!;
}

function changeOf(kind: Change['kind'], names: readonly string[], tag: string, random: () => number): Change {
  const some = (most: number) => shuffled(names, random).slice(0, between(1, most, random));
  const fresh = () => Array.from({ length: between(2, 4, random) }, (_, index) => `map-${tag}-${index + 1}`);
  const none = { kind, edited: [], added: [], removed: [] };
  switch (kind) {
    case 'edit':
      return { ...none, edited: shuffled(names, random).slice(0, between(2, 3, random)) };
    case 'add':
      return { ...none, added: fresh() };
    case 'remove':
      return { ...none, removed: some(Math.min(MOST_REMOVED, names.length - FEWEST_MAPS)) };
    case 'swap': {
      const removed = some(Math.min(MOST_REMOVED, names.length - 1));
      return { ...none, removed, added: fresh().slice(0, Math.max(2, removed.length)) };
    }
    case 'scale':
      return none;
  }
}

function changed(before: Content, change: Change, tag: string, random: () => number): Content {
  const maps = { ...before.maps };
  for (const name of change.removed) delete maps[name];
  for (const name of [...change.edited, ...change.added]) maps[name] = { value: tag };
  const others = [1, 2, 3, 4].filter((count) => count !== before.replicas);
  return { maps, replicas: change.kind === 'scale' ? pick(others, random) : before.replicas };
}

/** A step that is passed once per object is meant any time but the last; any other the first time. */
function nthOf(step: string, { added, edited, removed }: Change, random: () => number): number {
  if (step === 'between-writes') return between(1, added.length + edited.length - 1, random);
  if (step === 'pruned') return between(1, Math.max(1, removed.length - 1), random);
  return 1;
}

const between = (least: number, most: number, random: () => number): number =>
  least + Math.floor(random() * (most - least + 1));
const pick = <T>(from: readonly T[], random: () => number): T => from[between(0, from.length - 1, random)]!;

function shuffled<T>(from: readonly T[], random: () => number): T[] {
  const left = [...from];
  return from.map(() => left.splice(between(0, left.length - 1, random), 1)[0]!);
}

/** For the name of a test. */
export function describeHistory({ victim, seed, dies, halts, change, reverts }: History): string {
  const place = (step: Step & { nth: number }) => `${step.name}${step.nth > 1 ? `:${step.nth}` : ''}`;
  const where = [
    dies ? `at ${place(dies)}` : undefined,
    halts ? `while the ${halts.of} is halted at ${place(halts)}` : undefined,
  ].filter(Boolean);
  return `seed ${seed}: ${victim} killed ${where.join(' ')} during ${change.kind}${reverts ? ', which is then reverted' : ''}`;
}
