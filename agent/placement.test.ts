import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import type { Policy } from '#proto/assignment.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { DesiredAssignment } from '#proto/messages.ts';
import type { Order } from './core/orders.ts';
import type { Removal } from './core/removal.ts';
import type { ApplyResult, Assignment, PlacementSnapshot } from './engine/ports.ts';
import { Placement } from './placement.ts';
import type { PlacementParts, Terms } from './placement-ports.ts';
import type { BundleRef, Rendered } from './state/bundle.ts';
import type { PlacementRecord } from './state/records.ts';
import type { StateStore } from './state/store.ts';

const oid = (letter: string) => letter.repeat(40);
const policy: Policy = {
  drift: { mode: 'correct', extras: 'report', ignore: [], controllers: [] },
  guards: { maxPrune: 0.3, maxAssignmentsRemoved: 0.1 },
  health: { timeoutMs: 1_000, requireAddress: false },
  apply: 'independent',
  adopt: [],
  allow: undefined,
  dependsOn: [],
  serviceAccount: undefined,
  strategy: undefined,
  minClusters: 0,
};
const terms = (change: Partial<Terms> = {}): Terms => ({
  policy,
  approvals: [],
  stopped: undefined,
  observe: false,
  ...change,
});
const rendered: Rendered = {
  objects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }],
  renderHash: 'h',
};
const noCounts = { created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 };
const wanted = (digest: string, attempt: number, revision = oid('a')): Order => ({
  type: 'assigned',
  assignment: { placement: 'web', revision, entryRevision: revision, digest, attempt },
});

/** Everything around one placement, as a person would write it down: what was done, in order. */
class Around {
  readonly done: string[] = [];
  echoed: Promise<void> = Promise.resolve();
  removal: Removal | FlotillaError = 'prune';
  renderFails: FlotillaError | undefined;
  snapshot: PlacementSnapshot = {
    placement: 'web',
    applying: false,
    removed: false,
    objects: [],
    drifts: [],
    corrected: [],
    counts: noCounts,
    held: undefined,
    handing: new Map(),
    orphans: [],
    faults: [],
  };
  /** Whether an apply that keeps what is stale found something stale. */
  deferred = false;
  othersIntend: Promise<void> = Promise.resolve();
  readonly end = new AbortController();
  placement: Placement;
  running: Promise<void> | undefined;

  constructor(record?: PlacementRecord) {
    this.placement = new Placement('web', record, this.#parts());
    this.placement.setTerms(terms());
  }

  start(order: Order): void {
    this.placement.give(order);
    this.running = this.placement.run(this.end.signal);
  }

  async until(what: string): Promise<void> {
    for (let turns = 0; !this.done.includes(what); turns++) {
      if (turns > 10_000) throw new Error(`${what} was not done: ${this.done.join(', ')}`);
      await turn();
    }
  }

  async stop(): Promise<void> {
    this.end.abort();
    await this.running;
  }

  #parts(): PlacementParts {
    const note = (what: string) => void this.done.push(what);
    const result: ApplyResult = { ok: true, results: [], held: undefined, deferred: false };
    const store = {
      bundle: async (_name: string, ref: BundleRef) => {
        note(`bundle ${ref.key}`);
        return rendered;
      },
      saveTarget: async (before: PlacementRecord, target: object) => {
        note('save target');
        return { ...before, target: { ...target, bundle: { key: 'k', chunks: 0 } } };
      },
      savePlacement: async (_before: PlacementRecord, after: PlacementRecord) =>
        note(after.removal ? 'save removal' : `save ${after.target ? 'target' : after.applied?.revision[0]}`),
      forget: async () => note('forget'),
    };
    return {
      engine: {
        intend: async () => note('intend'),
        apply: async ({ settled, keepStale }: Assignment) => {
          note(settled ? 'apply settled' : keepStale ? 'apply kept' : 'apply');
          return { ...result, deferred: keepStale === true && this.deferred };
        },
        prune: async () => {
          note('prune');
          return result;
        },
        retire: async () => {
          note('retire');
          this.snapshot = { ...this.snapshot, removed: true };
          return result;
        },
        setPolicy: () => note('policy'),
        snapshot: () => this.snapshot,
        forget: () => note('let go'),
      },
      source: {
        render: async (_wanted: DesiredAssignment) => {
          if (this.renderFails) throw this.renderFails;
          note('render');
          return { rendered, prune: true, policy };
        },
        confirmRemoval: async () => {
          if (this.removal instanceof FlotillaError) throw this.removal;
          return this.removal;
        },
      },
      guard: async () => undefined,
      store: store as unknown as StateStore,
      surroundings: {
        changed: () => undefined,
        echoed: async (_name, attempt, signal) => {
          note(`echo ${attempt}`);
          await Promise.race([
            this.echoed,
            new Promise((_, reject) =>
              signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
            ),
          ]);
        },
        waitsFor: () => [],
        othersIntend: () => this.othersIntend,
        lastSeq: () => 1,
        event: (type) => note(type),
      },
      mark: () => undefined,
      retry: { first: 1, most: 2 },
      log: pino({ level: 'silent' }),
    };
  }
}

const record = (digest: string): PlacementRecord => ({
  v: 1,
  placement: 'web',
  applied: { revision: oid('a'), digest, attempt: 1, prune: true, bundle: { key: 'kept', chunks: 0 } },
  policy: JSON.parse(JSON.stringify(policy)),
  seq: 1,
});

test('nothing is saved or written for an attempt before its echo is confirmed', async () => {
  const around = new Around();
  const echo = Promise.withResolvers<void>();
  around.echoed = echo.promise;
  around.start(wanted('d1', 7));
  await around.until('echo 7');
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual(around.done, ['render', 'intend', 'echo 7']);
  echo.resolve();
  await around.until('APPLY_SUCCEEDED');
  assert.deepEqual(around.done.slice(3), [
    'save target',
    'APPLY_STARTED',
    'apply',
    'save a',
    'APPLY_SUCCEEDED',
  ]);
  await around.stop();
});

test('a newer order interrupts the wait for an echo, and only the newest is written', async () => {
  const around = new Around();
  around.echoed = new Promise(() => undefined);
  around.start(wanted('d1', 7));
  await around.until('echo 7');
  around.echoed = Promise.resolve();
  around.placement.give(wanted('d2', 8));
  await around.until('APPLY_SUCCEEDED');
  assert.equal(around.done.filter((what) => what === 'apply').length, 1);
  assert.equal(around.placement.record.applied?.digest, 'd2');
  await around.stop();
});

test('after a restart what runs is given to the engine first, without Git and without NATS', async () => {
  const around = new Around(record('d1'));
  around.echoed = new Promise(() => undefined);
  around.renderFails = new FlotillaError('git-unreachable', 'no Git');
  around.start(wanted('d2', 8));
  await around.until('apply settled');
  assert.deepEqual(around.done, ['bundle kept', 'apply settled']);
  await around.stop();
});

test('an equal digest with a new name or attempt is only noted', async () => {
  const around = new Around(record('d1'));
  around.start(wanted('d1', 9, oid('b')));
  await around.until('save b');
  assert.deepEqual(around.done, ['bundle kept', 'apply settled', 'save b']);
  assert.deepEqual(around.placement.view.applied, { revision: oid('b'), digest: 'd1' });
  assert.equal(around.placement.view.attempt, 9);
  await around.stop();
});

test('what is stopped is neither rendered nor written, and begins when the stop ends', async () => {
  const around = new Around();
  around.placement.setTerms(terms({ stopped: { state: 'SUSPENDED', reason: 'by a commit' } }));
  around.start(wanted('d1', 7));
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual(around.done, []);
  around.placement.setTerms(terms());
  await around.until('APPLY_SUCCEEDED');
  await around.stop();
});

test('a removal that Git does not confirm keeps and enforces what runs; a confirmed one is saved before anything goes', async () => {
  const around = new Around(record('d1'));
  around.removal = new FlotillaError('removal-not-in-git', 'no');
  around.start({ type: 'removed', removal: { revision: oid('b') } });
  await around.until('apply settled');
  assert.ok(!around.done.includes('retire'));
  around.removal = 'prune';
  await around.until('let go');
  await around.running;
  assert.deepEqual(around.done.slice(-5), ['save removal', 'bundle kept', 'retire', 'let go', 'forget']);
  assert.equal(around.placement.view.removed, true);
});

test('what is assigned again while it is removed is applied anew, and the next removal is confirmed anew', async () => {
  const begun = { revision: oid('b'), mode: 'decommission' as const };
  const around = new Around({ ...record('d1'), removal: begun });
  around.start(wanted('d1', 9));
  await around.until('APPLY_SUCCEEDED');
  assert.ok(around.done.includes('apply'));
  assert.equal(around.placement.record.removal, undefined);
  around.removal = new FlotillaError('removal-not-in-git', 'no');
  around.done.length = 0;
  around.placement.give({ type: 'removed', removal: { revision: oid('b'), entryRevision: oid('c') } });
  for (let i = 0; i < 50; i++) await turn();
  assert.ok(!around.done.includes('retire') && !around.done.includes('save removal'));
  await around.stop();
});

test('an orphaned placement is let go of, and nothing is retired', async () => {
  const around = new Around(record('d1'));
  around.removal = 'orphan';
  around.start({ type: 'removed', removal: { revision: oid('b') } });
  await around.running;
  assert.ok(!around.done.includes('retire'));
  assert.ok(around.done.includes('forget'));
});

test('a failed version does not become the one that runs, and going back to the one before needs no Git', async () => {
  const around = new Around(record('d1'));
  around.snapshot = { ...around.snapshot, counts: { ...noCounts, failed: 1 } };
  around.start(wanted('d2', 8));
  await around.until('apply');
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(around.placement.record.applied?.digest, 'd1');
  around.snapshot = { ...around.snapshot, counts: noCounts };
  around.renderFails = new FlotillaError('git-unreachable', 'no Git');
  around.done.length = 0;
  around.placement.give(wanted('d1', 9));
  await around.until('APPLY_SUCCEEDED');
  assert.ok(around.done.includes('bundle kept') && !around.done.includes('render'));
  await around.stop();
});

test('a change of policy is kept at once, so that a restart without Git does not correct what is only reported', async () => {
  const around = new Around(record('d1'));
  around.start(wanted('d1', 1));
  await around.until('apply settled');
  const reported: Policy = { ...policy, drift: { ...policy.drift, mode: 'report' } };
  around.placement.setTerms(terms({ policy: reported }));
  await around.until('save a');
  assert.deepEqual(around.placement.record.policy, JSON.parse(JSON.stringify(reported)));
  await around.stop();
});

test('after a restart nothing is pruned before the neighbours have said what they want, and what runs is enforced meanwhile', async () => {
  const { applied, ...rest } = record('d2');
  const around = new Around({ ...rest, target: applied! });
  const neighbours = Promise.withResolvers<void>();
  around.othersIntend = neighbours.promise;
  around.deferred = true;
  around.start(wanted('d2', 1, oid('a')));
  await around.until('apply kept');
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual(around.done, ['bundle kept', 'apply kept']);
  neighbours.resolve();
  await around.until('APPLY_SUCCEEDED');
  assert.deepEqual(around.done.slice(2), ['prune', 'save a', 'APPLY_SUCCEEDED']);
  await around.stop();
});
