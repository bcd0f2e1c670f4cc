import { EngineFault } from './fault.ts';
import type { Resource } from './resource.ts';
import { showId } from './resource-id.ts';

/** Works on one object; a fault says which. */
export function about<Value>(resource: Resource, work: () => Value): Value {
  try {
    return work();
  } catch (fault) {
    if (!(fault instanceof EngineFault) || fault.place) throw fault;
    const { unsupported } = fault;
    throw new EngineFault(`${showId(resource.id)}: ${fault.message}`, undefined, {
      unsupported,
      cause: fault,
    });
  }
}
