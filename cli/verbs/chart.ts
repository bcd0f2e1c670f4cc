import { type Parsed, unknown, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { type ChartSource, checkCharts, vendorChart } from '../offline/charts/vendor.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue } from './common.ts';

export const chart: Verb = {
  summary: 'Puts a Helm chart into the fleet repo, with a lock.',
  usage: [
    'chart vendor DIR|FILE.tgz [--into DIR] [--force]',
    'chart vendor NAME --repo URL --version V [--into DIR] [--force]',
    'chart vendor --check [NAME…] [--into DIR]',
  ],
  flags: {
    repo: { value: 'URL', describe: 'take it from this chart repository (https)' },
    version: { value: 'V', describe: 'exactly this version' },
    into: {
      value: 'DIR',
      describe: 'where charts stand: helmGlobals.chartHome of the overlay (default: charts, seen from here)',
    },
    force: { describe: 'write over a chart that is there already and differs' },
    check: { describe: 'write nothing; compare what is there with the lock' },
  },
  notes: [
    'The chart is written to DIR/NAME, what it is to DIR/charts.lock.yaml: name, version, source, sha256 of the archive and of the tree. Commit both.',
    'Exit code 1: another chart is there, or with --check something differs.',
    'example:\n  cd apps/edge && flotilla chart vendor ingress-nginx --repo https://kubernetes.github.io/ingress-nginx --version 4.13.0',
  ],
  async run(parsed, around) {
    const [action, ...words] = parsed.positionals;
    if (action === undefined) throw usage('chart what? chart vendor');
    if (action !== 'vendor') throw unknown('action', action, ['vendor']);
    const into = flagValue(parsed, 'into') ?? 'charts';
    return parsed.switches.has('check')
      ? check(words, into, parsed, around)
      : vendor(sourceOf(words, parsed), into, parsed, around);
  },
};

function sourceOf([given, word]: readonly string[], parsed: Parsed): ChartSource {
  if (given === undefined) throw usage('chart vendor what? a directory, an archive, or a NAME with --repo');
  if (word !== undefined) throw usage(`unexpected word ${word}`);
  const [repo, version] = [flagValue(parsed, 'repo'), flagValue(parsed, 'version')];
  if (repo === undefined) {
    if (version !== undefined) throw usage('--version needs --repo URL');
    return { path: given };
  }
  if (version === undefined) throw usage('--repo needs --version V: what is vendored is chosen, not found');
  return { repo, name: given, version };
}

async function vendor(
  source: ChartSource,
  into: string,
  parsed: Parsed,
  { out, talk, signal }: Surroundings,
): Promise<ExitCode> {
  const done = await vendorChart(source, into, parsed.switches.has('force'), signal);
  if (done.outcome === 'kept') {
    talk(`${into}/${done.name} is there already and differs; --force writes over it`);
    return EXIT.no;
  }
  const { name, version, files, outcome } = done;
  out(`${into}/${name}: ${version}, ${files} files, ${outcome}\n`);
  return EXIT.yes;
}

async function check(
  names: readonly string[],
  into: string,
  parsed: Parsed,
  { out, talk, signal }: Surroundings,
): Promise<ExitCode> {
  const other = ['repo', 'version'].find((flag) => parsed.values.has(flag));
  if (other || parsed.switches.has('force')) throw usage(`--check does not go with --${other ?? 'force'}`);
  const { same, differences } = await checkCharts(into, names, signal);
  for (const line of same) out(`${into}/${line}: as vendored\n`);
  for (const line of differences) talk(`${into}/${line}`);
  if (same.length + differences.length === 0) talk(`${into} holds no charts`);
  return differences.length > 0 ? EXIT.no : EXIT.yes;
}
