/**
 * Renders mutated cases of the corpus with the engine and with the pinned kustomize: `npm run test:fuzz -- --runs 5000 --seed 1`.
 * Exits 1 when they differ, and prints what was changed; the index tells the case among those of its seed.
 */
import { parseArgs } from 'node:util';
import { fuzz } from '#render/testing/fuzz.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5000' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const started = performance.now();
const { counts, differences } = await fuzz(seed, Number(values.runs));
const show = (value: unknown) =>
  JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? `${member}n` : member))?.slice(0, 2_000);

for (const { name, index, root, changed, verdict } of differences) {
  console.log(`\n# ${index}: ${name}, built at ${root}`);
  for (const [path, content] of Object.entries(changed)) console.log(`## ${path}\n${content}`);
  console.log(`## engine\n${show(verdict.own)}\n## kustomize\n${show(verdict.theirs)}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`seed ${seed}: ${JSON.stringify(counts)}, ${differences.length} differences in ${seconds} s`);
process.exitCode = differences.length > 0 ? 1 : 0;
