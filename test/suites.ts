/** Which test files `npm test` runs, and how many at once; cheapest first. A house test holds that every test file is in one. */
export const SUITES = {
  unit: {
    globs: [
      '{proto,process,git,render,rollouts,agent,hub,cli,sim,tools,demo,bench}/**/*.test.ts',
      'test/{house,fleet-model}/*.test.ts',
    ],
    concurrency: 2,
  },
  contract: { globs: ['test/contract/**/*.test.ts'], concurrency: 1 },
  apply: { globs: ['test/apply/**/*.test.ts'], concurrency: 1 },
  integration: { globs: ['test/bed/*.test.ts', 'test/integration/**/*.test.ts'], concurrency: 2 },
  e2e: { globs: ['test/e2e/**/*.test.ts'], concurrency: 1 },
  chaos: { globs: ['test/chaos/**/*.test.ts'], concurrency: 1 },
} as const;
