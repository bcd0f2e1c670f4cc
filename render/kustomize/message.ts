import { FlotillaError } from '#proto/faults.ts';
import { clip } from '#proto/limits.ts';

/**
 * What kustomize says went wrong, fit for logs and status: without warnings, without the paths of the temporary
 * directory, and without dumps of configuration or objects that may hold secrets.
 */
export function explainFailure(stderr: string, directory: string): string {
  const text = stderr
    .split('\n')
    .filter((line) => !/^(# Warning:|Flag --\S+ has been deprecated|[0-9/]+ [0-9:]+ Warning:)/.test(line))
    .join('\n')
    .replaceAll(`${directory}/repo/`, '')
    .replaceAll(`${directory}/repo`, 'the root of the repository')
    .replaceAll(`${directory}/`, '')
    .replaceAll('../repo/', '')
    .replace(/^Error: /, '')
    .trim();
  return clip(withoutDumps(text) || 'kustomize says nothing');
}

/** Literals of generators stand in what kustomize prints of its configuration, and whole objects in other messages. */
function withoutDumps(text: string): string {
  const short = text
    .replace(/with config: `[\s\S]*?`/g, 'with its config')
    .replace(/: node contents:\n[\s\S]*$/, '')
    .replace(
      /literal sources \[[\s\S]*?\]: invalid literal source [\s\S]*?, expected/g,
      'invalid literal source, expected',
    )
    .replace(/\[patch: "(?:[^"\\]|\\.)*"\]/g, 'an inline patch');
  const secret = /"?kind"?:\s*"?Secret\b/.exec(short);
  if (!secret) return short;
  const dump = short.search(/map\[|\{|\n|apiVersion:/);
  return `${short.slice(0, dump < 0 ? secret.index : Math.min(dump, secret.index))} (a Secret is left out)`;
}

/** What the render that finds too many waiting is told. */
export const tooManyRenders = (most: number): FlotillaError =>
  new FlotillaError('render-failed', `more than ${most} renders are waiting`);
