import type { Problem } from '#proto/problems.ts';
import { told } from './told.ts';

/**
 * A problem as a workflow command of GitHub Actions, which shows it beside the line in a pull request. `root` is where the fleet
 * stands in the repository. (docs.github.com, "Workflow commands for GitHub Actions"; escapes of actions/toolkit `command.ts`.)
 */
export function githubAnnotation(problem: Problem, root: string): string {
  const { code, file, line, column, message, suggestion } = told(problem);
  const properties = { file: root === '' ? file : `${root}/${file}`, line, col: column, title: code };
  const list = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
  const more = suggestion === undefined || message.includes(suggestion) ? '' : ` (${suggestion})`;
  return `::${problem.severity} ${list.join(',')}::${escapeData(message + more)}\n`;
}

const escapeData = (text: string) =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapeProperty = (text: string) => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
