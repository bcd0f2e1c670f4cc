import type { Lab } from '#rollouts/testing/lab.ts';
import { trailOf } from '../../../audit.ts';
import { operationEntry, readEntry } from '../../../audit-entry.ts';
import type { AuditRow } from '../../../audit-reader.ts';
import { RolloutBook } from '../book.ts';
import { recollect } from '../recollect.ts';

type Order = Parameters<Lab['order']>[0];

/** What a hub would keep in its audit of what happens in a lab from now on, as it would be read back. */
export function auditOf(lab: Lab) {
  const { watch } = lab.world;
  const audit: AuditRow[] = [];
  const store = ({ result, ...entry }: Omit<AuditRow, 'sequence'>) =>
    audit.push({
      ...readEntry(JSON.stringify({ v: 1, ...entry }))!,
      sequence: audit.length,
      ...(result !== undefined && { result }),
    });
  lab.world.watch = (step) => {
    watch?.(step);
    const audited = (fleet: typeof step.before) => ({ fleet, removals: {} });
    const trail = trailOf({
      before: audited(step.before),
      after: audited(step.advanced.state),
      events: step.advanced.effects.events,
      now: step.now,
    });
    for (const entry of trail.entries) store(entry);
  };
  return {
    /** An order that is kept as the hub keeps it: before what follows from it. */
    order(order: Order, by = 'alice'): void {
      const { world } = lab;
      const told = world.events.length;
      const command = { placement: 'app', order: { by, ...order } as never };
      const refused = world.order(command);
      const result = refused ? `refused: ${refused.message}` : 'done';
      const id = `order ${audit.length}`;
      store({ ...operationEntry(id, command, world.now, world.events.slice(told)), result });
      world.settle();
    },
    /** What is shown by a hub that begins now. */
    begun(): RolloutBook {
      const book = new RolloutBook();
      book.set(lab.world.state, lab.world.facts, lab.world.now);
      book.tell(audit.flatMap((row) => recollect(row)));
      return book;
    },
  };
}
