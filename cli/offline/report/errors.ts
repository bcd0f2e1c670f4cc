import type { Problem } from '#proto/problems.ts';
import { counted } from '../../output/words.ts';
import type { Surroundings } from '../../verb.ts';
import { told } from './told.ts';

const MOST = 5;

/** Says on stderr what is not valid at the end of a range: what it concerns stays as it is, and shows nowhere else. */
export function tellErrors(problems: readonly Problem[], { talk }: Surroundings): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  for (const problem of errors.slice(0, MOST)) {
    const { file, line, column, message } = told(problem);
    talk(`${file}:${line}:${column}: error: ${message}`);
  }
  if (errors.length > 0)
    talk(`${counted(errors.length, 'error')} at the end; flotilla validate tells all of them`);
}
