import { FlotillaError } from '#proto/faults.ts';
import { harmless } from '../output/table.ts';
import type { Surroundings } from '../verb.ts';
import { lanes } from './lanes.ts';
import { Live } from './live.ts';
import { lookOf } from './looks.ts';
import { isLive, ROLLOUT, type RolloutNode, TARGET, type TargetNode } from './nouns.ts';
import { Patience, pause, RETRY_MS } from './patience.ts';

const MOST_TARGETS = 50;
/** So often is a rollout asked for that the hub does not know. */
const MOST_TRIES = 15;
const REDRAW_MS = 1_000;
const ASK = `query Watched($id: ID!) {
  rollout(id: $id) { ${ROLLOUT}
    targets(state: [FAILED, APPLYING, VERIFYING, OFFLINE, BLOCKED], first: ${MOST_TARGETS}) { nodes { ${TARGET} } } }
}`;
const EVENTS = `query Events($id: ID!, $after: String) {
  rollout(id: $id) { events(first: 100, after: $after) {
    edges { cursor node { at type stage cluster by reason } } pageInfo { hasNextPage endCursor } } }
}`;

type Watched = RolloutNode & { targets: { nodes: TargetNode[] } };
type EventNode = {
  at: string;
  type: string;
  stage: string | null;
  cluster: string | null;
  by: string | null;
  reason: string | null;
};
type Edge = { cursor: string; node: EventNode };
type Edges = {
  rollout: {
    events: {
      edges: Edge[];
      pageInfo: { hasNextPage: boolean; endCursor: string | null };
    };
  } | null;
};

/**
 * Follows rollouts until all of them are over, and tells how each ended; undefined when the signal came first. On a terminal a live
 * view with a lane for each stage, elsewhere a line for each thing that happens. A hub that goes away or stands still is waited for,
 * and it is said how old is what is shown.
 */
export async function watchRollouts(
  rollouts: readonly RolloutNode[],
  around: Surroundings,
): Promise<readonly string[] | undefined> {
  const over = new AbortController();
  const until = AbortSignal.any([around.signal, over.signal]);
  const last = new Map<string, Watched>();
  const say = (words: string) => (around.terminal ? undefined : around.talk(words));
  const patience = new Patience(around.hub, around.now, say, until);
  const show: Show = around.terminal ? new Screenful(around, patience) : new Lines(around, patience);
  const follow = async ({ id, alias }: RolloutNode) => {
    for await (const _ of changesOf(id, patience)) {
      const rollout = await lookAt(id, alias, patience);
      if (!rollout) return;
      last.set(id, rollout);
      await show.update(rollouts.flatMap((one) => last.get(one.id) ?? []));
      if (!isLive(rollout)) return;
    }
  };
  const ticking = around.terminal ? tick(() => show.update([...last.values()]), until) : undefined;
  const beating = patience.beat();
  try {
    await Promise.all(rollouts.map(follow));
    if (around.signal.aborted) return undefined;
    return rollouts.map(({ id }) => last.get(id)!.phase);
  } catch (error) {
    if (around.signal.aborted) return undefined;
    throw error;
  } finally {
    over.abort();
    await Promise.all([ticking, beating]);
    show.end?.();
  }
}

/** Yields once for the rollout as it is, and whenever something of it changes. */
const changesOf = (id: string, patience: Patience) =>
  patience.follow(`subscription { rollout(id: "${id}") { phase } }`);

/** Undefined once the signal says so. A hub that has just begun may not know it yet. @throws FlotillaError hub-refused */
async function lookAt(id: string, alias: string, patience: Patience): Promise<Watched | undefined> {
  for (let tries = 0; tries < MOST_TRIES && !patience.until.aborted; tries++) {
    const { rollout } = await patience.ask<{ rollout: Watched | null }>(ASK, { id });
    if (rollout) return rollout;
    await pause(RETRY_MS, patience.until);
  }
  if (patience.until.aborted) return undefined;
  throw new FlotillaError('hub-refused', `the hub does not know rollout ${alias} any more`);
}

async function tick(act: () => Promise<void>, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    await pause(REDRAW_MS, until);
    if (!until.aborted) await act();
  }
}

interface Show {
  update(rollouts: readonly Watched[]): Promise<void>;
  /** Leaves the terminal as it was. */
  end?(): void;
}

/** The live view: all rollouts below each other, each with a share of the screen. */
class Screenful implements Show {
  readonly #around: Surroundings;
  readonly #patience: Patience;
  readonly #live: Live;
  #size = '';

  constructor(around: Surroundings, patience: Patience) {
    this.#around = around;
    this.#patience = patience;
    this.#live = new Live(around);
  }

  async update(rollouts: readonly Watched[]): Promise<void> {
    if (rollouts.length === 0) return;
    const { columns, rows } = this.#around.screen();
    const size = `${columns}x${rows}`;
    if (this.#size !== size) this.#live.clear();
    this.#size = size;
    const share = { columns, rows: Math.floor(rows / rollouts.length) };
    const lines = rollouts.flatMap((rollout, at) => [
      ...(at > 0 ? [''] : []),
      ...lanes(rollout, rollout.targets.nodes, this.#around.now(), share, this.#around),
    ]);
    const { trouble } = this.#patience;
    const note = trouble === undefined ? [] : [`✖ ${trouble}`.slice(0, columns - 1)];
    this.#live.draw([...lines.slice(0, Math.max(1, rows - 1 - note.length)), ...note]);
  }

  end(): void {
    this.#live.end();
  }
}

/** What the machine does inside itself, and what other lines tell already. */
const QUIET = new Set(['PUBLISHED', 'RECALLED', 'STAGE_TOOK', 'UNCHANGED']);

/** One line for each event, as it comes. */
class Lines implements Show {
  readonly #around: Surroundings;
  readonly #patience: Patience;
  /** Rollout → the newest event that was told. */
  readonly #told = new Map<string, string>();
  #turn: Promise<void> = Promise.resolve();

  constructor(around: Surroundings, patience: Patience) {
    this.#around = around;
    this.#patience = patience;
  }

  /** One after the other, so that no event is told twice. */
  update(rollouts: readonly Watched[]): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      for (const rollout of rollouts) await this.#tell(rollout);
    });
    return this.#turn;
  }

  async #tell({ id, alias }: Watched): Promise<void> {
    const fresh: Edge[] = [];
    const last = this.#told.get(id);
    for (let after: string | null = null; ; ) {
      const answer: Edges = await this.#patience.ask<Edges>(EVENTS, { id, after });
      const { edges = [], pageInfo } = answer.rollout?.events ?? {};
      const known = edges.findIndex(({ cursor }) => cursor === last);
      fresh.push(...(known >= 0 ? edges.slice(0, known) : edges));
      if (known >= 0 || !pageInfo?.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    if (fresh[0]) this.#told.set(id, fresh[0].cursor);
    const lines = fresh.reverse().filter(({ node }) => !QUIET.has(node.type));
    this.#around.out(lines.map(({ node }) => `${lineOf(alias, node)}\n`).join(''));
  }
}

function lineOf(alias: string, { at, type, stage, cluster, by, reason }: EventNode): string {
  const [glyph] = lookOf(type);
  const words = type.toLowerCase().replaceAll('_', ' ');
  const where = [stage, cluster].filter((one) => one !== null).join('/');
  const who = by === null ? '' : ` by ${by}`;
  const why = reason === null ? '' : `: ${reason}`;
  return harmless(
    `${at.slice(0, 19)}Z  ${alias}  ${glyph === '?' ? '·' : glyph} ${where ? `${where} ` : ''}${words}${who}${why}`,
  );
}
