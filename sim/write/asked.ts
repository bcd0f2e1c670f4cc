import type { Kind } from '../kinds/kinds.ts';

export type Validation = 'Strict' | 'Warn' | 'Ignore';

/** What a request asked to be written. */
export interface Asked {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: 'status' | undefined;
  readonly manager: string;
  readonly dryRun: boolean;
  readonly validation: Validation;
}
