import type { FleetEvent } from '#rollouts/advance.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { Refused } from '#rollouts/order.ts';
import type { AuditPort } from './bus/audit-writer.ts';
import { type Step, trailOf } from './core/audit.ts';
import { operationEntry } from './core/audit-entry.ts';

/** An order and what was said to it. `id` names it, however often it is tried. */
export type Ordered = {
  readonly id: string;
  readonly command: FleetCommand;
  readonly refused?: Refused['refused'] | undefined;
  /** What it has led to by itself. */
  readonly events?: readonly FleetEvent[] | undefined;
};

/**
 * Leaves behind what a decision is about to do: what was ordered, then what follows from it. To be awaited before it is saved.
 * @throws FlotillaError store-failed, nats-unreachable: then it must not be done
 */
export async function storeDecision(
  audit: AuditPort,
  orders: readonly Ordered[],
  step: Step,
  signal: AbortSignal,
): Promise<void> {
  const { entries, applies } = trailOf(step);
  const ordered = orders.map(({ id, command, events }) => operationEntry(id, command, step.now, events));
  if (ordered.length + entries.length + applies.length === 0) return;
  await audit.write({ entries: [...ordered, ...entries], applies }, signal);
}

/**
 * Leaves behind how orders ended, in words. What is done is done: a result that cannot be stored is told to `warn` and holds up nobody.
 */
export async function storeResults(
  audit: AuditPort,
  orders: readonly Ordered[],
  result: string,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const told = orders.map(async ({ id, refused }) => {
    try {
      const words = refused ? `refused: ${refused.message}` : result;
      await audit.writeResult({ id, result: words }, signal);
    } catch (error) {
      warn(`how operation ${id} ended is not in the audit: ${(error as Error).message}`);
    }
  });
  await Promise.all(told);
}
