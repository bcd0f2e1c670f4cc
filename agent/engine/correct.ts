import { isFirstContact } from '../core/baseline.ts';
import type { Finding } from '../core/drift.ts';
import { indexedPointer, resolve, type Step } from '../core/fieldset.ts';
import { corrected, FIGHT_RULES, judgeFight, TOOL_FIGHT_RULES } from '../core/fight.ts';
import { isTool } from '../core/managed-fields.ts';
import type { KubeObject } from '../core/object.ts';
import { objectPolicy } from '../core/object-policy.ts';
import { type Context, isInForce, stateOf } from './context.ts';
import { describeDrift } from './drift-report.ts';
import { settleWrite } from './observe.ts';
import type { PlacementState } from './placement-state.ts';
import { writeOrRecreate } from './recreate.ts';
import { type Tracked, target } from './tracked.ts';

/**
 * Takes drift back that has been told already: at once, slower where it comes again, not at all in a fight. True when something was
 * written. @throws KubeError
 */
export async function correct(
  context: Context,
  state: PlacementState,
  tracked: Tracked,
  live: KubeObject | undefined,
  findings: readonly Finding[],
): Promise<boolean> {
  const policy = objectPolicy(tracked.object.metadata);
  if (policy.apply === 'ignore' || (policy.apply === 'if-not-present' && live)) return false;
  const healable = findings.filter((finding) => finding.healable);
  if (healable.length === 0) return false;
  const fields = healable.map((finding) => finding.pointer);
  const rules = healable.some(({ actor }) => actor && isTool(actor.manager)) ? TOOL_FIGHT_RULES : FIGHT_RULES;
  const verdict = judgeFight(tracked.fight, fields, context.clock.now(), tracked.foreignAt, rules);
  tracked.fight = verdict.state;
  switch (verdict.type) {
    case 'wait':
      context.inspections.schedule(tracked, verdict.until);
      return false;
    case 'fight':
      tellFight(context, tracked, verdict.fields);
      context.inspections.schedule(tracked, verdict.retryAt);
      return false;
    case 'correct':
      tracked.fight = corrected(tracked.fight, fields, context.clock.now());
      await writeBack(context, state, tracked, live, healable);
      return true;
    default:
      verdict satisfies never;
      return false;
  }
}

async function writeBack(
  context: Context,
  state: PlacementState,
  tracked: Tracked,
  live: KubeObject | undefined,
  healable: readonly Finding[],
): Promise<void> {
  const { life } = context;
  const extras = healable.filter((finding) => finding.kind === 'EXTRA');
  if (live && extras.length > 0) await removeExtras(context, tracked, live, extras);
  const entry = context.book.of(state.name).get(tracked.id);
  const how = {
    rules: state.rules,
    adopt: state.policy.adopt,
    first: isFirstContact(entry, live?.metadata),
  };
  const { object, action } = await writeOrRecreate(context, tracked, live?.metadata, how, life);
  if (isInForce(context, tracked)) settleWrite(context, tracked, object, action);
}

function tellFight(context: Context, tracked: Tracked, fields: readonly string[]): void {
  for (const drift of tracked.drifts) {
    if (drift.fight || !fields.includes(drift.path)) continue;
    drift.fight = true;
    const message = `${describeDrift(tracked, drift)} again and again; it is left alone until its content changes or ${drift.manager ?? 'whoever does it'} stops`;
    context.listener.event({ type: 'DRIFT_FIGHT', placement: tracked.placement, drift, message });
  }
  context.listener.changed(tracked.placement);
}

/** Takes foreign additions away, only from exactly the state in which they were seen. */
async function removeExtras(
  context: Context,
  tracked: Tracked,
  live: KubeObject,
  extras: readonly Finding[],
): Promise<void> {
  const removals = extras
    .flatMap(({ path }) => {
      const found = resolve(path, live);
      return found ? [found.steps] : [];
    })
    // Elements of one list from the end, so that the indices before stay true.
    .sort((a, b) => compareSteps(b, a))
    .map((steps) => ({ op: 'remove' as const, path: indexedPointer(steps) }));
  const test = {
    op: 'test' as const,
    path: '/metadata/resourceVersion',
    value: live.metadata.resourceVersion,
  };
  await stateOf(context, tracked).kube.jsonPatch(target(tracked), [test, ...removals], context.life);
}

function compareSteps(a: readonly Step[], b: readonly Step[]): number {
  for (const [depth, x] of a.entries()) {
    const y = b[depth];
    if (y === undefined) break;
    if ('index' in x && 'index' in y && x.index !== y.index) return x.index - y.index;
    if ('key' in x && 'key' in y && x.key !== y.key) return x.key < y.key ? -1 : 1;
  }
  return a.length - b.length;
}
