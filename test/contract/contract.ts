import type { Target } from './api.ts';
import type { Case } from './case.ts';
import { holdTo } from './case.ts';
import { APPLY } from './cases/apply.ts';
import { APPLY_ERRORS } from './cases/apply-errors.ts';
import { CUSTOM } from './cases/custom.ts';
import { DELETES } from './cases/deletes.ts';
import { DISCOVERY } from './cases/discovery.ts';
import { ENGINE } from './cases/engine.ts';
import { KINDS } from './cases/kinds.ts';
import { LISTS } from './cases/lists.ts';
import { OBJECTS } from './cases/objects.ts';
import { PATCHES } from './cases/patches.ts';
import { RECREATE } from './cases/recreate.ts';
import { SCALE } from './cases/scale.ts';
import { STRICT } from './cases/strict.ts';
import { WATCHES } from './cases/watches.ts';
import { WORKLOADS } from './cases/workloads.ts';

/** Everything the agent and people with kubectl rely on; what changes here must hold on both servers. */
export const CONTRACT: readonly Case[] = [
  ...DISCOVERY,
  ...OBJECTS,
  ...KINDS,
  ...STRICT,
  ...PATCHES,
  ...APPLY,
  ...APPLY_ERRORS,
  ...RECREATE,
  ...SCALE,
  ...DELETES,
  ...LISTS,
  ...WATCHES,
  ...CUSTOM,
  ...WORKLOADS,
  ...ENGINE,
];

/** Registers the whole contract for one target, known when the tests run. */
export function contract(name: string, target: () => Target): void {
  holdTo(name, target, CONTRACT);
}
