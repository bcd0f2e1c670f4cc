import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One case of the kustomize corpus: files, the directory to build, and either what it renders to or parts of the error. */
export type CorpusCase = {
  name: string;
  files: Record<string, string | { base64: string }>;
  root: string;
  options: { LoadRestrictions?: string; Reorder?: string };
  expected?: string;
  error?: string[];
};

const PLACE = fileURLToPath(new URL('../../../shared/corpus/kustomize.json', import.meta.url));

/** The cases, or none when the corpus is not beside the repository; then `test` is announced as not run. */
export function readCorpus(test: string): CorpusCase[] {
  if (!existsSync(PLACE)) {
    process.stderr.write(`CANNOT RUN: ${test}: ../shared/corpus/kustomize.json is not there\n`);
    return [];
  }
  return (JSON.parse(readFileSync(PLACE, 'utf8')) as { cases: CorpusCase[] }).cases;
}

/** Files of a case as bytes, by path. */
export function corpusFiles({ files }: CorpusCase): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path,
      typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.base64, 'base64'),
    ]),
  );
}
