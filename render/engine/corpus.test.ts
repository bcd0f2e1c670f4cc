import { describe, test } from 'node:test';
import { openEngine } from '../engine.ts';
import { assertCase, readCorpus, readsAnywhere } from '../testing/corpus.ts';

const engine = openEngine();

describe('the corpus, rendered in the process', () => {
  for (const one of readCorpus('the engine renders each case of the corpus')) {
    const what =
      one.expected === undefined
        ? 'refused, as kustomize does'
        : readsAnywhere(one)
          ? 'refused before anything is rendered, because it reads outside of its directory'
          : 'the objects of kustomize, in its order';
    test(`${one.name}: ${what}`, () => assertCase(one, engine));
  }
});
