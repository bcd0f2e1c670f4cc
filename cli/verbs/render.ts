import { existsSync } from 'node:fs';
import { Checkout } from '#git/local/checkout.ts';
import { FlotillaError } from '#proto/faults.ts';
import { NodeCache, readClosure } from '#render/closure.ts';
import { type Rendered, renderAssignment } from '#render/render.ts';
import { type Parsed, usage } from '../args.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { checkEngines } from '../offline/check.ts';
import { explained, explanation } from '../offline/explain.ts';
import { clusterNamed, fleetAt, isResolvable, placementNamed, type Row, rowsOf } from '../offline/fleet.ts';
import { CHECKOUT, openCheckout, REVISION } from '../offline/open.ts';
import { isContentFault } from '../offline/overlays.ts';
import { ENGINE, openBoth, openRenderer } from '../offline/renderer.ts';
import { exactJson, manifestStream } from '../output/manifests.ts';
import type { Surroundings, Verb } from '../verb.ts';
import { flagValue, outputFlag } from './common.ts';

export const render: Verb = {
  summary: 'Renders what a cluster is given, or one overlay alone.',
  usage: [
    'render CLUSTER [--placement NAME]… [--rev REV] [-o yaml|json] [--explain]',
    'render --path DIR [--rev REV] [-o yaml|json]',
    'render --check [--rev REV]',
  ],
  flags: {
    ...CHECKOUT,
    ...REVISION,
    placement: { value: 'NAME', multiple: true, describe: 'this placement only' },
    path: {
      value: 'DIR',
      describe: 'render the overlay in this directory, for no cluster: no values are put in',
    },
    check: { describe: 'render all that is placed anywhere with both engines, and say what differs' },
    explain: { describe: 'say for every placement what it reads and which file each value comes from' },
    ...outputFlag(['yaml', 'json']),
    ...ENGINE,
  },
  notes: [
    'json is an array of the objects in order; with --explain an array of {placement, path, components, namespace, values, digest, objects}.',
    'With --path the Git work tree around DIR is the repository that the overlay may reach into; outside of Git the current directory, if DIR is below it, else DIR itself.',
    'Secrets are printed as they are rendered. Exit code 1: something does not render, or the name does not exist.',
    'examples:\n  flotilla render prod-eu-1 --explain\n  flotilla render prod-eu-1 --placement web | kubectl diff -f -\n  flotilla render --path apps/web/overlays/prod -o json',
  ],
  async run(parsed, around) {
    const [name, word] = parsed.positionals;
    if (word !== undefined) throw usage(`unexpected word ${word}`);
    const path = flagValue(parsed, 'path');
    if (parsed.switches.has('check')) {
      const other = ['path', 'placement', 'engine', 'output'].find((flag) => parsed.values.has(flag));
      if (name !== undefined || other || parsed.switches.has('explain'))
        throw usage(
          `--check looks at the whole fleet: ${name ?? `--${other ?? 'explain'}`} does not go with it`,
        );
      return checkFleet(parsed, around);
    }
    if (path === undefined && name === undefined) throw usage('render what? a CLUSTER, or --path DIR');
    if (path !== undefined) {
      const other = ['placement', 'directory'].find((flag) => parsed.values.has(flag));
      if (name !== undefined || other || parsed.switches.has('explain'))
        throw usage(
          `--path renders an overlay alone: ${name ?? `--${other ?? 'explain'}`} does not go with it`,
        );
    }
    try {
      return path === undefined
        ? await renderCluster(name!, parsed, around)
        : await renderPath(path, parsed, around);
    } catch (error) {
      if (!isContentFault(error) || error.code === 'usage') throw error;
      around.talk(`flotilla: ${error.message}`);
      return EXIT.no;
    }
  },
};

async function checkFleet(parsed: Parsed, around: Surroundings): Promise<ExitCode> {
  await using checkout = await openCheckout(parsed, around);
  const fleet = await fleetAt(checkout, flagValue(parsed, 'rev'), around.signal);
  const assignments = rowsOf(fleet.model, {}).flatMap((row) => ('faults' in row ? [] : [row.assignment]));
  const { native, kustomize } = await openBoth(around.machine);
  const { same, refused, apart, differences } = await checkEngines(
    assignments,
    native,
    kustomize,
    {
      objects: checkout.objects,
      tree: fleet.side.tree,
      cache: new NodeCache(),
      progress: (done, all) => around.progress(`rendered ${done} of ${all} assignments`),
    },
    around.signal,
  );
  for (const line of differences) around.out(`${line}\n`);
  around.out(
    `${same} assignments render to the same, ${refused} are refused by both, ${apart} are not done by one of them, ${differences.length} differ\n`,
  );
  return differences.length > 0 ? EXIT.no : EXIT.yes;
}

async function renderPath(path: string, parsed: Parsed, around: Surroundings): Promise<ExitCode> {
  const { signal } = around;
  const renderer = await openRenderer(parsed, around.machine);
  await using checkout = await Checkout.open(path, { ...around.machine, around: '.' }, signal);
  const rev = flagValue(parsed, 'rev');
  const { tree } = await (rev === undefined ? checkout.workTree(signal) : checkout.revision(rev, signal));
  const closure = await readClosure(checkout.objects, tree, checkout.prefix, {}, signal).catch((error) => {
    if (!(error instanceof FlotillaError) || rev !== undefined) throw error;
    if (error.code === 'overlay-missing' && existsSync(path) && checkout.versioned)
      throw new FlotillaError('overlay-missing', `directory ${path} holds nothing but what Git ignores`);
    if (!checkout.versioned && error.message.endsWith('leads out of the repository'))
      around.talk(
        `outside of Git nothing is read but what is in ${checkout.top}: go to a directory above both`,
      );
    throw error;
  });
  const objects = await renderer.render({ ...closure, components: [] }, signal);
  print(
    objects.filter((object) => object !== null),
    parsed,
    around,
  );
  return EXIT.yes;
}

async function renderCluster(name: string, parsed: Parsed, around: Surroundings): Promise<ExitCode> {
  const { signal } = around;
  const wanted = parsed.values.get('placement');
  await using checkout = await openCheckout(parsed, around);
  const fleet = await fleetAt(checkout, flagValue(parsed, 'rev'), signal);
  if (!isResolvable(fleet, around)) return EXIT.no;
  const cluster = clusterNamed(fleet, name, around);
  const placements = wanted?.map((one) => placementNamed(fleet, one, around));
  if (!cluster || placements?.includes(undefined)) return EXIT.no;
  const rows = rowsOf(fleet.model, { cluster }).filter(
    ({ placement }) => placements?.includes(placement) ?? true,
  );
  for (const placement of placements ?? [])
    if (placement && !rows.some((row) => row.placement === placement))
      around.talk(
        `placement ${placement.document.metadata.name} does not select cluster ${name}: flotilla why ${name} ${placement.document.metadata.name}`,
      );
  const renderer = await openRenderer(parsed, around.machine, fleet.model.fleet);
  const cache = new NodeCache();
  const done: { row: Row; rendered: Rendered }[] = [];
  let failed = wanted !== undefined && rows.length < wanted.length;
  for (const row of rows) {
    const of = row.placement.document.metadata.name;
    try {
      if ('faults' in row) throw new FlotillaError(row.faults[0]!.code, row.faults[0]!.message);
      const { assignment } = row;
      const request = { objects: checkout.objects, rootTree: fleet.side.tree, assignment, renderer, cache };
      done.push({ row, rendered: await renderAssignment(request, signal) });
    } catch (error) {
      if (!isContentFault(error)) throw error;
      around.talk(`placement ${of} does not render: ${error.message}`);
      failed = true;
    }
  }
  if (!parsed.switches.has('explain'))
    print(
      done.flatMap(({ rendered }) => rendered.objects),
      parsed,
      around,
    );
  else if (flagValue(parsed, 'output') === 'json')
    around.out(
      exactJson(
        done.map(({ row, rendered }) => ({
          ...explained(row),
          digest: rendered.digest,
          objects: rendered.objects,
        })),
      ),
    );
  else
    around.out(
      done.map(({ row, rendered }) => `${explanation(row)}${manifestStream(rendered.objects)}`).join('---\n'),
    );
  if (rows.length === 0 && wanted === undefined) around.talk(`no placement selects cluster ${name}`);
  return failed ? EXIT.no : EXIT.yes;
}

function print(objects: readonly unknown[], parsed: Parsed, around: Surroundings): void {
  around.out(flagValue(parsed, 'output') === 'json' ? exactJson(objects) : manifestStream(objects));
}
