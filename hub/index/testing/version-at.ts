import type { AssignmentVersion } from '../../core/types.ts';
import { type Assigned, RowReader } from '../rows.ts';

/** The version of a placement on a cluster, as readers see it. */
export function versionAt(
  assigned: Pick<Assigned, 'rows' | 'lines'>,
  cluster: string,
  placement: string,
): AssignmentVersion | undefined {
  const reader = new RowReader(assigned, { of: () => undefined, shared: '' });
  return reader.get(`${cluster}/${placement}`)?.version;
}
