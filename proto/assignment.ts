import { canonicalJson, hashOf, hashOfCanonical } from './canonical.ts';
import type { Cluster } from './documents/cluster.ts';
import { milliseconds, share } from './documents/common.ts';
import type { Fleet } from './documents/fleet.ts';
import { accountOf, type Placement, type ServiceAccount } from './documents/placement.ts';
import type { Sourced } from './documents/read.ts';
import type { SharedValues } from './documents/values.ts';
import type { SourceLocation } from './faults.ts';
import { matches, mismatch } from './selector.ts';
import { type Files, layerValues, type Resolved, type SharedLayer, sharedLayer } from './values.ts';

/**
 * One placement on one cluster, resolved: everything *staged* that decides what is rendered, apart from file contents.
 * Hub, agent and CLI derive it with this code and must agree on it.
 */
export type Assignment = {
  cluster: string;
  placement: string;
  /** The overlay directory with `{…}` substituted. */
  path: string;
  /** Directories of the selected components, in order. */
  components: readonly string[];
  namespace?: string;
  createNamespace: boolean;
  prune: boolean;
  /** Every declared value, typed, with where it comes from. Undeclared values never enter. */
  values: Readonly<Record<string, Resolved>>;
  kubeVersion?: string;
  apiVersions: readonly string[];
};

export type ResolveFault = {
  code: 'path-variable-unknown' | 'value-missing' | 'value-conflict' | 'value-undeclared';
  message: string;
  variable: string;
  /** Where it stands in the document to blame, if that is neither the placement nor the entry. */
  locate?: () => SourceLocation;
};
export type Resolution = { assignment: Assignment } | { faults: ResolveFault[] };

/** Why a placement does not select a cluster, in words; undefined when it does. */
export function whyNotSelected(placement: Placement, cluster: Cluster): string | undefined {
  return mismatch(placement.spec.selector, cluster.metadata.labels ?? {});
}

/** What is known besides the three documents that every assignment has. */
export type ResolveWith = {
  /** The Values documents of the same revision. */
  values?: Iterable<Sourced<SharedValues>>;
  /** Instead of `values`: what `sharedLayer` made of them for the placement and the labels of the cluster. */
  shared?: SharedLayer;
  files?: Files;
};

/** A path taken apart: text and variables in turn, text first. Documents do not change once they are read. */
type Template = { readonly whole: string; readonly parts: readonly string[] };
type Templates = { readonly path: Template; readonly components: readonly Template[] };
const takenApart = new WeakMap<Placement, Templates>();

/** Tidied here, because neither names nor labels can hold a slash, be empty or begin with a dot. */
const templateOf = (path: string): Template => ({
  whole: path,
  parts: normalise(path).split(/\{([^{}]*)\}/),
});

function templatesOf(placement: Placement): Templates {
  let templates = takenApart.get(placement);
  if (!templates) {
    const { path, components = [] } = placement.spec;
    templates = { path: templateOf(path), components: components.map((one) => templateOf(one.path)) };
    takenApart.set(placement, templates);
  }
  return templates;
}

/** The directories that a placement names for a cluster: overlay and selected components, with `{…}` substituted. */
export function placesOf(
  placement: Placement,
  cluster: Cluster,
): { path: string; components: string[]; faults: ResolveFault[] } {
  const labels = cluster.metadata.labels ?? {};
  const faults: ResolveFault[] = [];
  const substitute = ({ whole, parts }: Template): string => {
    let path = parts[0]!;
    for (let index = 1; index < parts.length; index += 2) {
      const variable = parts[index]!;
      const own = Object.hasOwn(labels, variable) ? labels[variable] : undefined;
      const value = variable === 'name' ? cluster.metadata.name : own;
      if (!value) {
        const message = `placement ${placement.metadata.name}: path ${whole} needs label ${variable}, which cluster ${cluster.metadata.name} does not have`;
        faults.push({ code: 'path-variable-unknown', message, variable });
      }
      path += `${value || `{${variable}}`}${parts[index + 1]}`;
    }
    return path;
  };
  const { path, components } = templatesOf(placement);
  const selected = components.filter((_, index) =>
    matches(placement.spec.components![index]!.selector ?? {}, labels),
  );
  return { path: substitute(path), components: selected.map(substitute), faults };
}

/** Resolves a placement on a cluster that it selects; how values are layered says `layerValues`. */
export function resolveAssignment(
  fleet: Fleet,
  placement: Placement,
  cluster: Cluster,
  { values: all, shared, files }: ResolveWith = {},
): Resolution {
  const { spec } = placement;
  const labels = cluster.metadata.labels ?? {};
  const { path, components, faults } = placesOf(placement, cluster);
  const fromDocuments = shared ?? (all && sharedLayer(all, placement, labels));
  const { values, faults: wrong } = layerValues(placement, cluster, fromDocuments, files);
  faults.push(...wrong);
  if (faults.length > 0) return { faults };
  const kubeVersion = cluster.spec.kubeVersion ?? fleet.spec.defaults?.kubeVersion;
  return {
    assignment: {
      cluster: cluster.metadata.name,
      placement: placement.metadata.name,
      path,
      components,
      ...(spec.namespace && { namespace: spec.namespace }),
      createNamespace: spec.createNamespace ?? false,
      prune: spec.prune ?? fleet.spec.defaults?.prune ?? true,
      values,
      ...(kubeVersion && { kubeVersion }),
      apiVersions: cluster.spec.apiVersions ?? fleet.spec.defaults?.apiVersions ?? [],
    },
  };
}

const UNTIDY = /(?:^|\/)\.?(?:\/|$)/;
const normalise = (path: string) =>
  UNTIDY.test(path)
    ? path
        .split('/')
        .filter((part) => part !== '.' && part !== '')
        .join('/')
    : path;

/**
 * Hash of exactly what can influence what an assignment renders and owns. Path-free and Merkle: `root` and `components` are closure
 * nodes. Same digest: nothing to render, apply, wait for or approve. Engine and policy never enter.
 */
export function assignmentDigest(
  assignment: Assignment,
  nodes: { root: string; components: readonly string[]; charts: boolean },
): string {
  const { namespace = null, createNamespace, prune, kubeVersion = null, apiVersions } = assignment;
  const values = Object.fromEntries(
    Object.entries(assignment.values).map(([name, { value }]) => [name, value]),
  );
  // Canonical JSON, member by member in its order: a fleet has hundreds of thousands of these.
  const charts = nodes.charts ? canonicalJson({ apiVersions, kubeVersion }) : 'null';
  const components = nodes.components.length > 0 ? canonicalJson(nodes.components) : '[]';
  return hashOfCanonical(
    'flotilla-assignment-v1',
    `{"charts":${charts},"components":${components},"createNamespace":${createNamespace},"namespace":${JSON.stringify(namespace)},"prune":${prune},"root":${JSON.stringify(nodes.root)},"values":${canonicalJson(values)}}`,
  );
}

/** What decides *how*: read at the newest verified head, effective at once, never a rollout. Defaults are filled in. */
export type Policy = {
  drift: {
    mode: 'correct' | 'report';
    extras: 'report' | 'remove';
    ignore: NonNullable<Placement['spec']['drift']>['ignore'];
    controllers: readonly string[];
  };
  /** Shares, 0 to 1. */
  guards: { maxPrune: number; maxAssignmentsRemoved: number };
  health: { timeoutMs: number; requireAddress: boolean };
  apply: 'independent' | 'atomic';
  adopt: readonly ('flux' | 'argo' | 'helm')[];
  allow: Placement['spec']['allow'];
  dependsOn: readonly string[];
  /** As whom the agent writes; undefined: as itself. */
  serviceAccount: ServiceAccount | undefined;
  strategy: string | undefined;
  minClusters: number;
};

/** Guards are the fleet's alone: they hold for a placement that is gone as well. */
export function guardsOf({ spec: { guards = {} } }: Fleet): Policy['guards'] {
  return {
    maxPrune: share(guards.maxPrune ?? '30%'),
    maxAssignmentsRemoved: share(guards.maxAssignmentsRemoved ?? '10%'),
  };
}

export function policyOf(fleet: Fleet, placement: Placement): Policy {
  const { spec } = placement;
  const { defaults = {} } = fleet.spec;
  return {
    drift: {
      mode: spec.drift?.mode ?? defaults.drift?.mode ?? 'correct',
      extras: spec.drift?.extras ?? 'report',
      ignore: spec.drift?.ignore ?? [],
      controllers: fleet.spec.drift?.controllers ?? [],
    },
    guards: guardsOf(fleet),
    health: {
      timeoutMs: milliseconds(spec.health?.timeout ?? '5m'),
      requireAddress: spec.health?.requireAddress ?? false,
    },
    apply: spec.apply ?? 'independent',
    adopt: spec.adopt ?? [],
    allow: spec.allow,
    dependsOn: spec.dependsOn ?? [],
    serviceAccount: accountOf(spec.serviceAccount, spec.namespace),
    strategy: spec.strategy ?? defaults.strategy,
    minClusters: spec.expect?.minClusters ?? 0,
  };
}

export const policyHash = (policy: Policy): string => hashOf('flotilla-policy-v1', policy);
