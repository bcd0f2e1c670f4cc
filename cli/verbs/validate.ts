import type { Problem } from '#proto/problems.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { Parsed } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { textAt } from '../offline/files.ts';
import { CHECKOUT, directoryOf, openCheckout, REVISION } from '../offline/open.ts';
import { ENGINE, openRenderer } from '../offline/renderer.ts';
import { githubAnnotation } from '../offline/report/github.ts';
import { sarifLog } from '../offline/report/sarif.ts';
import { problemText } from '../offline/report/text.ts';
import { told } from '../offline/report/told.ts';
import { sideAt } from '../offline/side.ts';
import { type Validation, validateTree, withRendered } from '../offline/validation.ts';
import { counted } from '../output/words.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue, outputFlag } from './common.ts';

const FORMATS = ['text', 'json', 'sarif', 'github'] as const;

export const validate: Verb = {
  summary: 'Tells everything that is wrong with a fleet repo, all at once.',
  usage: ['validate [DIR|-C DIR] [--rev REV] [--render] [-o text|json|sarif|github]'],
  flags: {
    ...CHECKOUT,
    ...REVISION,
    render: {
      describe: 'also render every assignment: what fails, what is not allowed, what two placements share',
    },
    ...ENGINE,
    ...outputFlag(FORMATS),
  },
  notes: [
    'Looks at the work tree as it stands, with what is not committed; at a commit with --rev. DIR may be any directory of the fleet repo: the nearest one upwards with a flotilla.yaml is the fleet.',
    'json is {errors: […], warnings: […]}, each with code, file, line, column, message and maybe suggestion; what each code means: docs/errors.md.',
    'Exit codes: 0 valid, 1 there are errors, 2 it could not be looked at, 64 wrong command line.',
    'examples:\n  flotilla validate\n  flotilla validate --rev origin/main -o json\n  flotilla validate -o github        # in a workflow of GitHub Actions',
  ],
  async run(parsed, around) {
    const directory = directoryOf(parsed);
    await using checkout = await openCheckout(parsed, around, directory);
    const { objects } = checkout;
    const side = await sideAt(checkout, flagValue(parsed, 'rev'), around.signal);
    const validation = await validateTree(objects, side.tree, around.signal);
    const problems = parsed.switches.has('render')
      ? await withRendered(
          objects,
          side.tree,
          validation,
          {
            renderer: await openRenderer(parsed, around.machine, validation.model.fleet),
            progress: (done, all) => around.progress(`rendered ${done} of ${all} assignments`),
          },
          around.signal,
        )
      : validation.problems;
    return report(parsed, side.root, problems, await linesOf(), validation, around);

    /** Lines of the files that problems stand in. */
    async function linesOf() {
      const texts = new Map<string, readonly string[]>();
      for (const { source } of problems) {
        if (texts.has(source.file)) continue;
        const known = validation.documents.get(source.file)?.text;
        const text = known ?? (await textAt(objects, side.tree, source.file, around.signal));
        texts.set(source.file, text.split('\n'));
      }
      return (file: string, line: number) => texts.get(file)?.[line - 1];
    }
  },
};

async function report(
  parsed: Parsed,
  root: string,
  problems: readonly Problem[],
  line: (file: string, line: number) => string | undefined,
  { model }: Validation,
  around: Surroundings,
): Promise<ExitCode> {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  switch (flagValue(parsed, 'output')) {
    case 'json':
      around.out(`${JSON.stringify({ errors: errors.map(told), warnings: warnings.map(told) }, null, 2)}\n`);
      break;
    case 'sarif':
      around.out(`${JSON.stringify(sarifLog(problems, root, manifest.version), null, 2)}\n`);
      break;
    case 'github':
      around.out(problems.map((problem) => githubAnnotation(problem, root)).join(''));
      break;
    default:
      around.out(problems.map((problem) => problemText(problem, line, around.color)).join('\n'));
  }
  const sizes = `${counted(model.clusters.size, 'cluster')}, ${counted(model.placements.size, 'placement')}`;
  around.talk(
    errors.length === 0
      ? `valid: ${sizes}${warnings.length > 0 ? `, ${counted(warnings.length, 'warning')}` : ''}`
      : `${counted(errors.length, 'error')}, ${counted(warnings.length, 'warning')}`,
  );
  return errors.length > 0 ? EXIT.no : EXIT.yes;
}
