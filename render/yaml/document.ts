import type { Position } from './fault.ts';
import type { Scalar } from './scalar.ts';

/** A value of JSON, with integers beyond 2^53 exact as bigint; `canonicalJson` writes them as digits. */
export type Json = Scalar | Json[] | { [key: string]: Json };

/** One document of a stream. */
export type ReadDocument = {
  readonly value: Json;
  /** Where the value at a path stands, counted from 1; the nearest place that is known where it came by an alias. */
  locate(path: readonly (string | number)[]): Position;
  /** The letters of an unquoted scalar (`0x10`, `True`); undefined for all else. */
  written(path: readonly (string | number)[]): string | undefined;
};

/** Bounds of what is read; beyond them a YamlFault is thrown. Nodes count what aliases repeat. */
export type YamlLimits = { bytes: number; documents: number; nodes: number; depth: number };

/**
 * `lastKeyWins`: of a key given twice the last one counts, as go-yaml v2 reads kustomizations. `blanks`: a null that is
 * written as nothing (`a:`) is read as undefined, because kustomize tells it from `a: null` where it merges; and folded blocks
 * have the line feeds that kustomize adds (see `refolded`).
 * `old`: scalars mean what they do to the reader of kustomizations (see `resolveOld`).
 */
export type YamlOptions = Partial<YamlLimits> & { lastKeyWins?: boolean; blanks?: boolean; old?: boolean };
export const YAML_LIMITS: YamlLimits = { bytes: 32 << 20, documents: 20_000, nodes: 600_000, depth: 200 };
