import fc from '#test/laws.ts';
import { compare, type Verdict } from './compare.ts';
import { type CorpusCase, corpusFiles, readCorpus } from './corpus.ts';
import { type Files, mutate } from './mutate.ts';
import { openOracle } from './oracle.ts';

/** What came of mutated cases of the corpus that the engine and the pinned kustomize rendered. */
export type FuzzReport = {
  counts: Record<'rendered' | 'refused' | 'outside', number>;
  differences: {
    name: string;
    index: number;
    root: string;
    changed: Files;
    verdict: Verdict & { same: false };
  }[];
};

const mutation = fc.record({
  file: fc.nat(9_999),
  at: fc.nat(9_999),
  how: fc.nat(9_999),
  what: fc.nat(9_999),
});

/** Renders `runs` mutations of corpus cases with both; equal seeds give equal mutations. */
export async function fuzz(seed: number, runs: number): Promise<FuzzReport> {
  const cases = readCorpus('mutated cases of the corpus').filter(
    ({ options }) => options.LoadRestrictions !== 'LoadRestrictionsNone',
  );
  const report: FuzzReport = { counts: { rendered: 0, refused: 0, outside: 0 }, differences: [] };
  if (cases.length === 0) return report;
  const oracle = await openOracle();
  const chosen = fc.sample(
    fc.tuple(fc.constantFrom(...cases), fc.array(mutation, { minLength: 1, maxLength: 2 })),
    { seed, numRuns: runs },
  );
  const queue = chosen.entries();
  const work = async () => {
    for (const [index, [one, mutations]] of queue) {
      const files = mutations.reduce<Files>(mutate, corpusFiles(one));
      const verdict = await compare(files, one.root, oracle);
      if (verdict.same) report.counts[verdict.as]++;
      else
        report.differences.push({
          name: one.name,
          index,
          root: one.root,
          changed: changedFiles(one, files),
          verdict,
        });
    }
  };
  await Promise.all([work(), work()]);
  return report;
}

function changedFiles(one: CorpusCase, files: Files): Files {
  const before = corpusFiles(one);
  return Object.fromEntries(
    Object.entries(files).filter(
      ([path, content]) => typeof content === 'string' && content !== String(before[path]),
    ),
  );
}
