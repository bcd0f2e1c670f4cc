import { driftsOf, resourcesOf } from '../../core/view/resources.ts';
import type { ApiContext } from '../context.ts';
import { idOf, readId } from '../ids.ts';
import { approvalNamed } from './approval.ts';

/** The object behind an opaque id, tagged with its type; undefined when there is none, or none any more. */
export function findNode(id: string, { view }: ApiContext): object | undefined {
  const read = readId(id);
  if (!read || idOf(read.type as never, ...read.parts) !== id) return undefined;
  const [first = '', second = '', third = '', ...rest] = read.parts;
  const assignment = () => view.assignment(first, second);
  const find = (): object | undefined => {
    switch (read.type) {
      case 'Cluster':
        return view.cluster(first);
      case 'Placement':
        return view.placement(first);
      case 'Approval':
        return approvalNamed(view, read.parts);
      case 'Rollout':
        return view.rollouts.rollout(first, second);
      case 'Change':
        return view.change(first);
      case 'Assignment':
        return assignment();
      case 'Commit':
        return view.index?.commitsById.get(first);
      case 'Problem':
        return view.problems().find((problem) => problem.id === first);
      case 'Event':
        return view.events().get(first);
      case 'Resource': {
        const row = assignment();
        return row && resourcesOf(row).find(({ object }) => object.id === third);
      }
      case 'FieldDrift': {
        const row = assignment();
        const [path, kind] = rest;
        return (
          row &&
          driftsOf(row).find(({ field }) => field.id === third && field.path === path && field.kind === kind)
        );
      }
      default:
        return undefined;
    }
  };
  const found = find();
  return found && { ...found, __typename: read.type };
}
