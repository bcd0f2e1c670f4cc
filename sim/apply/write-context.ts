import type { JsonObject } from '../json.ts';
import type { ResourceTypes } from './updater.ts';

/** What every write says about itself. */
export interface WriteContext {
  readonly types: ResourceTypes;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource: string | undefined;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  /** What an object of the kind looks like before anything is set. */
  readonly empty: JsonObject;
}
