import { checkAssignments } from '#proto/fleet-checks/assignments.ts';
import type { Before } from '#proto/fleet-checks/context.ts';
import { type Directories, missingOverlays, overlaysOf } from '#proto/fleet-checks/overlays.ts';
import { assembleFleet, type FleetModel } from '#proto/fleet-model.ts';
import { byPlace, type Problem } from '#proto/problems.ts';

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
