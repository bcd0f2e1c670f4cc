import { test } from 'node:test';
import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import { Lab, ring } from './lab.ts';

/** What the tables of cases of other fleet managers share. A string is why a case has no test: it cannot occur. */
export type Cases = Readonly<Record<string, string | (() => void)>>;

export function testAll(cases: Cases): void {
  for (const [number, run] of Object.entries(cases))
    if (typeof run === 'function') test(`${number}: as the corpus has it, or as the table says`, run);
}

export type Spec = RolloutStrategy['spec'];
export const ONE = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'];
export const GROUPS = { g1: ['c1', 'c2', 'c3'], g2: ['c4', 'c5', 'c6'], g3: ['c7', 'c8', 'c9'] };
export const all = (names: readonly string[], digest: string) =>
  Object.fromEntries(names.map((name) => [name, digest]));

export function single(
  names: readonly string[],
  stage: Partial<Spec['stages'][number]>,
  more: Partial<Spec> = {},
): Lab {
  return new Lab({ all: names }, { stages: [ring('all', stage)], ...more }, all(names, 'a'));
}
export function groups(
  more: Partial<Spec> = {},
  stage: Partial<Spec['stages'][number]> = {},
  of = GROUPS as Record<string, string[]>,
): Lab {
  const names = Object.values(of).flat();
  return new Lab(of, { stages: Object.keys(of).map((name) => ring(name, stage)), ...more }, all(names, 'a'));
}
/** Commits `b` everywhere. */
export function roll(lab: Lab): Lab {
  lab.commit('v2', lab.all('b'));
  return lab;
}
export const failed = (maxFailed: number | string, more: Partial<Spec> = {}): Partial<Spec> => ({
  failure: { maxFailed },
  ...more,
});
export function never(lab: Lab, ...names: string[]): void {
  for (const name of names) lab.plays.set(`${name}@b`, 'silent');
}
export const state = (lab: Lab, name: string) => lab.target(name)?.state;
