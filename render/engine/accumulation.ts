import { EMPTY_CONFIG, type TransformerConfig } from './config/config.ts';
import { Resources } from './resources.ts';
import type { Var } from './transformers/vars.ts';

/** What was gathered so far: objects, which fields hold names and the like, and vars. */
export type Accumulation = {
  readonly resources: Resources;
  config: TransformerConfig;
  readonly vars: Map<string, Var>;
};

export function emptyAccumulation(): Accumulation {
  return { resources: new Resources(), config: EMPTY_CONFIG, vars: new Map() };
}
