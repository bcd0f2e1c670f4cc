import { assembleFleet, type FleetModel } from '../fleet-model.ts';
import type { Problem } from '../problems.ts';
import { checkAssignments } from './assignments.ts';
import type { Before } from './context.ts';
import { type Directories, missingOverlays, overlaysOf } from './overlays.ts';

/**
 * Everything that can be known of a repository from its documents, and from its directories if they are given: all problems at
 * once, errors and warnings, by file, line and column.
 */
export function validateFleet(
  files: Iterable<readonly [path: string, text: string]>,
  { before, directories }: { before?: Before; directories?: Directories } = {},
): { model: FleetModel; problems: Problem[] } {
  const model = assembleFleet(files, before);
  const problems = [
    ...model.problems,
    ...checkAssignments(model),
    ...(directories ? missingOverlays(overlaysOf(model), directories) : []),
  ];
  return { model, problems: problems.sort(byPlace) };
}

/** Order of problems for people: by file, line and column. */
export function byPlace({ source: a }: Problem, { source: b }: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
