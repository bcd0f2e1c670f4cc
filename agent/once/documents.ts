import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Place } from '#git/local/directory.ts';
import { type Assignment, type Policy, policyOf, resolveAssignment } from '#proto/assignment.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import { API_VERSION, dnsLabel } from '#proto/documents/common.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import { FLEET_FILE } from '#proto/documents/kinds.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { type FleetDocument, readDocument, type Sourced } from '#proto/documents/read.ts';
import type { SharedValues } from '#proto/documents/values.ts';
import { FlotillaError } from '#proto/faults.ts';

export type Inputs = {
  place: Place;
  /** A name, or a file that holds a Placement. */
  placement: string;
  /** A file that holds a Cluster. */
  cluster: string | undefined;
};

/** What is rendered, and how it is applied; `policy` undefined: the defaults. */
export type Resolved = {
  fleet: Fleet;
  assignment: Assignment;
  policy: Policy | undefined;
  approvals: readonly string[];
  /** Why the entry of the cluster lets nobody write; undefined: it does. */
  stopped: string | undefined;
};

const FOLDERS = { Cluster: 'clusters', Placement: 'placements', Values: 'values' } as const;
const isFile = (text: string): boolean => /\.ya?ml$/i.test(text) || text.includes('/');

/**
 * From names and files to the assignment: with the code that hub and agent use, but for the path, which is the directory given. The
 * Fleet and the Values documents of the repository count where they are there; that the placement selects the cluster is not asked.
 * @throws FlotillaError of a document that is wrong, value-missing, path-variable-unknown, config-invalid
 */
export async function resolveInputs({ place, placement, cluster }: Inputs): Promise<Resolved> {
  const entry = cluster === undefined ? NOWHERE : await readAs<Cluster>('Cluster', cluster);
  const fleet = (await optional(join(place.root, FLEET_FILE)))
    ? await readAs<Fleet>('Fleet', join(place.root, FLEET_FILE))
    : NO_FLEET;
  const fromFile = isFile(placement);
  const document = fromFile ? await readAs<Placement>('Placement', placement) : named(placement);
  const values = await sharedValues(place.root);
  const overlay = { ...document, spec: { ...document.spec, path: '.' } };
  const resolution = resolveAssignment(fleet, overlay, entry, { values });
  if ('faults' in resolution) {
    const [first] = resolution.faults;
    throw new FlotillaError(first!.code, resolution.faults.map(({ message }) => message).join('; '));
  }
  const approvals = (document.spec.approvals ?? []).flatMap(({ prune }) => prune ?? []);
  return {
    fleet,
    assignment: { ...resolution.assignment, path: place.path },
    policy: fromFile ? policyOf(fleet, document) : undefined,
    approvals,
    stopped: stoppedBy(entry),
  };
}

function stoppedBy({ metadata, spec }: Cluster): string | undefined {
  if (spec.suspend) return `cluster ${metadata.name} is suspended`;
  return spec.mode === 'observe' ? `cluster ${metadata.name} is only observed` : undefined;
}

/** A document at any place, read as if it stood where documents of its kind do; messages name the file that it is. */
async function readAs<T>(kind: 'Cluster' | 'Placement' | 'Fleet', file: string): Promise<T> {
  const text = await readText(file);
  const standing = (name: string) => (kind === 'Fleet' ? FLEET_FILE : `${FOLDERS[kind]}/${name}.yaml`);
  let name = basename(file).replace(/\.[^.]*$/, '');
  let result = readDocument(standing(name), text);
  const own = 'problems' in result ? result.claims?.find((claim) => claim.name !== name) : undefined;
  if (own) {
    name = own.name;
    result = readDocument(standing(name), text);
  }
  if ('read' in result) return result.read.document as T;
  const [problem] = result.problems;
  const message = result.problems.map((each) => each.message.replaceAll(standing(name), file)).join('\n');
  throw new FlotillaError(problem!.code, message, { source: { ...problem!.source, file } });
}

/** All of `values/`; one that is wrong is an error, as it is in the fleet. */
async function sharedValues(root: string): Promise<Sourced<SharedValues>[]> {
  const folder = join(root, FOLDERS.Values);
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(ifMissing([]));
  const documents: Sourced<SharedValues>[] = [];
  for (const entry of found) {
    if (!entry.isFile() || !entry.name.endsWith('.yaml')) continue;
    const file = join(entry.parentPath, entry.name);
    const result = readDocument(file.slice(root.length + 1), await readText(file));
    if ('problems' in result) {
      const [problem] = result.problems;
      throw new FlotillaError(problem!.code, problem!.message, { source: problem!.source });
    }
    documents.push(result.read as Extract<FleetDocument, { kind: 'Values' }>);
  }
  return documents;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new FlotillaError('config-invalid', `file ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

const optional = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch(ifMissing(undefined));

/** For catch(): what is not there is `instead`. */
const ifMissing =
  <T>(instead: T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return instead;
    throw error;
  };

/** @throws FlotillaError config-invalid */
function named(name: string): Placement {
  if (!dnsLabel.safeParse(name).success)
    throw new FlotillaError(
      'config-invalid',
      `--placement: ${name} is neither a name (at most 63 of a-z, 0-9 and -) nor a .yaml file`,
    );
  return {
    apiVersion: API_VERSION,
    kind: 'Placement',
    metadata: { name },
    spec: { selector: {}, path: '.' },
  };
}

const NO_FLEET: Fleet = {
  apiVersion: API_VERSION,
  kind: 'Fleet',
  metadata: { name: 'fleet' },
  spec: { branch: 'main' },
};

/** Stands for the cluster where no entry was given: no labels, no values. */
const NOWHERE: Cluster = {
  apiVersion: API_VERSION,
  kind: 'Cluster',
  metadata: { name: 'local' },
  spec: { agent: { publicKeys: [] } },
};
