/** One real control plane, one whole line, and what the chaos tests do to it and want to know of it. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { objectId } from '#agent/core/object.ts';
import { KubeClient } from '#agent/kube/client.ts';
import { connect } from '#agent/kube/connection.ts';
import { OwnObjects, STATE_LABEL } from '#agent/state/api.ts';
import { ConfigMapInventoryStore } from '#agent/state/inventories.ts';
import { readPlacement } from '#agent/state/records.ts';
import { inventoryId } from '#proto/inventory.ts';
import { createNkey } from '#proto/nkey.ts';
import { type ControlPlanes, startControlPlanes } from '../bed/control-planes.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { ask } from '../bed/graphql.ts';
import { isHalted } from '../bed/halted.ts';
import { BRISK_HUB, Line } from '../bed/line.ts';
import { planted } from '../bed/planted.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import type { Service } from '../bed/service.ts';
import { BASE_FILES, entry, kustomization, WEB, writeFiles } from '../e2e/fleet.ts';
import type { Content, History } from './histories.ts';

const CLUSTER = 'north';
const SYSTEM = 'flotilla-system';
const PLACEMENTS = ['web', 'books'];
/** Kinds that are looked at in the namespaces of the fleet: what it has, and what nobody should make there. */
const LISTS = [
  ['v1', 'ConfigMap', '/api/v1/namespaces/%/configmaps'],
  ['v1', 'Secret', '/api/v1/namespaces/%/secrets'],
  ['v1', 'Service', '/api/v1/namespaces/%/services'],
  ['apps/v1', 'Deployment', '/apis/apps/v1/namespaces/%/deployments'],
] as const;
/** Written by the system itself into every namespace. */
const ROOT_CA = 'kube-root-ca.crt';

export type Live = {
  id: string;
  uid: string;
  resourceVersion: string;
  data?: Record<string, string>;
  replicas?: number;
  /** Of a Deployment: its controller has nothing more to say. */
  finished: boolean;
};

type Item = {
  metadata: { name: string; namespace?: string; uid: string; resourceVersion: string; generation?: number };
  data?: Record<string, string>;
  spec?: { replicas?: number };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    conditions?: { type: string; reason: string }[];
  };
};

type Assignment = {
  placement: { name: string };
  applied: { digest: string; revision: { oid: string } } | null;
  desired: { digest: string } | null;
  status: { sync: string; health: string; reason: string | null };
};

/** A process of the line, with the steps that its run of now has passed. */
export class Marked {
  readonly service: Service;
  private readonly directory: string;
  private runs = 0;
  private file = '';

  constructor(service: Service, directory: string) {
    this.service = service;
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    this.file = join(this.directory, String(++this.runs));
    await this.service.start(undefined, { ...env, FLOTILLA_TEST_MARKERS: this.file });
  }

  get passed(): string[] {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8').split('\n').filter(Boolean) : [];
  }

  times(step: string): number {
    return this.passed.filter((name) => name === step).length;
  }

  isHalted(): Promise<boolean> {
    return isHalted(this.service.pid);
  }

  goOn(): void {
    process.kill(this.service.pid!, 'SIGCONT');
  }
}

export class ChaosFleet implements AsyncDisposable {
  readonly line: Line;
  readonly hub: Marked;
  readonly agent: Marked;
  private readonly scratch: Scratch;
  private readonly planes: ControlPlanes;

  private constructor(parts: { scratch: Scratch; planes: ControlPlanes; line: Line }) {
    this.scratch = parts.scratch;
    this.planes = parts.planes;
    this.line = parts.line;
    const marks = join(parts.scratch.dir, 'marks');
    this.hub = new Marked(parts.line.hub, join(marks, 'hub'));
    this.agent = new Marked(parts.line.agents.get(CLUSTER)!, join(marks, 'agent'));
  }

  static async start(content: Content): Promise<ChaosFleet> {
    await using started = new AsyncDisposableStack();
    const scratch = started.use(await makeScratch('chaos'));
    const planes = started.use(
      await startControlPlanes(1, { dir: join(scratch.dir, 'planes'), names: [CLUSTER] }),
    );
    const key = createNkey('user');
    const repository = join(scratch.dir, 'repository');
    writeFiles(repository, {
      ...BASE_FILES,
      ...filesOf(content),
      [`clusters/${CLUSTER}.yaml`]: entry(CLUSTER, 'prod', key),
    });
    const line = started.use(
      await Line.start({
        dir: join(scratch.dir, 'line'),
        repository,
        members: [{ name: CLUSTER, key, kubeconfig: planes.at(0).kubeconfigPath }],
        hubFlags: [...BRISK_HUB, '--reconnect', '300ms'],
      }),
    );
    started.move();
    return new ChaosFleet({ scratch, planes, line });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.line[Symbol.asyncDispose]();
    await this.planes.stop();
    await this.scratch[Symbol.asyncDispose]();
  }

  /** An object in the namespace of `web` that Git knows nothing of. */
  async makeForeign(name: string): Promise<string> {
    await this.client.expect('POST', '/api/v1/namespaces/web/configmaps', {
      metadata: { name },
      data: { of: 'somebody else' },
    });
    return `/ConfigMap/web/${name}`;
  }

  /** Writes the difference between the two contents and pushes it. */
  async commit({ before, changed, victim, seed }: History): Promise<string> {
    const { clone } = this.line;
    const files = filesOf(changed);
    for (const path of Object.keys(filesOf(before))) if (!(path in files)) await clone.remove(path);
    for (const [path, text] of Object.entries(files)) await clone.write(path, text);
    return clone.commit(`Change for ${victim}, seed ${seed}`);
  }

  /** Everything in the namespaces of the fleet, and the namespaces; id → object. */
  async objects(): Promise<Map<string, Live>> {
    const requests = PLACEMENTS.flatMap((namespace) => [
      this.read('v1', 'Namespace', `/api/v1/namespaces/${namespace}`),
      ...LISTS.map(([version, kind, path]) => this.list(version, kind, path.replace('%', namespace))),
    ]);
    const found = (await Promise.all(requests)).flat();
    return new Map(found.map((live) => [live.id, live]));
  }

  /** Waits until Git, the cluster, the inventories and GraphQL say the same. */
  async converged(content: Content, commit: string | undefined, foreign: readonly string[]): Promise<void> {
    let last: string[] = [];
    const look = async (limit: AbortSignal) => {
      last = await this.differences(content, commit, foreign, limit);
      return last.length === 0 ? true : undefined;
    };
    const never = new AbortController().signal;
    await eventually('convergence', look, PATIENCE_MS, never, () => last.join('; '));
  }

  /** Waits until the cluster alone has what Git says; nobody else is asked. */
  async applied(content: Content, foreign: readonly string[]): Promise<void> {
    let last: string[] = [];
    const look = async () => {
      last = differencesOfObjects(content, await this.objects(), foreign);
      return last.length === 0 ? true : undefined;
    };
    const never = new AbortController().signal;
    await eventually('the change in the cluster', look, PATIENCE_MS, never, () => last.join('; '));
  }

  /** Waits until the API gives a reason with these words for an assignment that is not as it should be. */
  async toldOf(words: string): Promise<void> {
    let last: string[] = [];
    const look = async (limit: AbortSignal) => {
      last = (await this.assignments(limit)).flatMap(({ status }) => status.reason ?? []);
      return last.some((reason) => reason.includes(words)) ? true : undefined;
    };
    const never = new AbortController().signal;
    await eventually(`a reason with ${words}`, look, PATIENCE_MS, never, () => last.join('; '));
  }

  private async differences(
    content: Content,
    commit: string | undefined,
    foreign: readonly string[],
    limit: AbortSignal,
  ): Promise<string[]> {
    const objects = await this.objects();
    return [
      ...differencesOfObjects(content, objects, foreign),
      ...(await this.differencesOfInventory(content, objects)),
      ...(await this.differencesOfState()),
      ...(await this.differencesOfGraphQl(commit, limit)),
    ];
  }

  private async differencesOfInventory(
    content: Content,
    objects: ReadonlyMap<string, Live>,
  ): Promise<string[]> {
    const kube = new KubeClient(connect({ file: this.planes.at(0).kubeconfigPath }));
    const store = new ConfigMapInventoryStore(new OwnObjects(kube, SYSTEM));
    const inventories = await store.loadAll(new AbortController().signal).finally(() => kube.close());
    const entries = inventories.flatMap((each) => each.entries);
    const named = entries.map(inventoryId);
    return [
      ...differencesOfSets('the inventory', named, desiredIds(content)),
      ...entries
        .filter((one) => one.state !== 'applied' || one.uid !== objects.get(inventoryId(one))?.uid)
        .map((one) => `the inventory has ${inventoryId(one)} as ${one.state}, or with another uid`),
    ];
  }

  /** That a version was applied to the end is saved some time later: an agent killed before would compare it once more. */
  private async differencesOfState(): Promise<string[]> {
    const path = `/api/v1/namespaces/${SYSTEM}/secrets?labelSelector=${encodeURIComponent(`${STATE_LABEL}=placement`)}`;
    const { items } = await this.client.expect<{ items: Item[] }>('GET', path);
    return items
      .flatMap(({ data = {} }) => Object.entries(data).filter(([key]) => key.startsWith('record.')))
      .map(([, value]) => readPlacement(Buffer.from(value, 'base64').toString('utf8')))
      .filter(({ target }) => target !== undefined)
      .map(({ placement }) => `the agent has not saved yet that ${placement} is applied`);
  }

  private async differencesOfGraphQl(commit: string | undefined, limit: AbortSignal): Promise<string[]> {
    const nodes = await this.assignments(limit);
    const isThere = ({ placement, applied, desired, status }: Assignment) =>
      applied !== null &&
      applied.digest === desired?.digest &&
      status.sync === 'SYNCED' &&
      status.health === 'CURRENT' &&
      (placement.name !== 'web' || commit === undefined || applied.revision.oid === commit);
    return [
      ...differencesOfSets(
        'GraphQL',
        nodes.map(({ placement }) => placement.name),
        PLACEMENTS,
      ),
      ...nodes.filter((node) => !isThere(node)).map((node) => `GraphQL says ${JSON.stringify(node)}`),
    ];
  }

  private async assignments(limit: AbortSignal): Promise<Assignment[]> {
    const query = `query($name: String!) { cluster(name: $name) { assignments(first: 9) { nodes {
      placement { name } applied { digest revision { oid } } desired { digest } status { sync health reason } } } } }`;
    type Answer = { cluster: { assignments: { nodes: Assignment[] } } | null };
    const { cluster } = await ask<Answer>(this.line.graphql, query, { name: CLUSTER }, limit);
    return cluster?.assignments.nodes ?? [];
  }

  private get client() {
    return this.planes.at(0).client;
  }

  private async read(apiVersion: string, kind: string, path: string): Promise<Live[]> {
    const { status, body } = await this.client.send('GET', path);
    return status === 200 ? [liveOf(apiVersion, kind, body as Item)] : [];
  }

  private async list(apiVersion: string, kind: string, path: string): Promise<Live[]> {
    const { items } = await this.client.expect<{ items: Item[] }>('GET', path);
    return items
      .filter(({ metadata }) => metadata.name !== ROOT_CA)
      .map((item) => liveOf(apiVersion, kind, item));
  }
}

/** Another one for every content, so that whoever dies in the middle of a change has a Secret in hand. */
const secretOf = (content: Content): string =>
  planted(createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8));

/** The files of placement `web`, and nothing else of the repository. */
function filesOf(content: Content): Record<string, string> {
  const { maps, replicas } = content;
  const names = Object.keys(maps);
  const resources = [
    'deployment.yaml',
    'settings.yaml',
    'secret.yaml',
    ...names.map((name) => `${name}.yaml`),
  ];
  const secret = { p: secretOf(content) };
  return {
    'placements/web.yaml': WEB.replace('replicas: 2', `replicas: ${replicas}`),
    'apps/web/kustomization.yaml': kustomization(...resources),
    'apps/web/secret.yaml': `apiVersion: v1\nkind: Secret\nmetadata: { name: secret }\nstringData: ${JSON.stringify(secret)}\n`,
    ...Object.fromEntries(
      names.map((name) => [
        `apps/web/${name}.yaml`,
        `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: ${JSON.stringify(maps[name])}\n`,
      ]),
    ),
  };
}

export const SECRET = '/Secret/web/secret';
export const mapId = (name: string): string => `/ConfigMap/web/${name}`;

/** What Git declares, the namespaces that it has made included. */
function desiredIds({ maps }: Content): string[] {
  return [
    '/Namespace//web',
    '/Namespace//books',
    'apps/Deployment/web/web',
    '/ConfigMap/books/ledger',
    '/Secret/books/books',
    SECRET,
    ...['settings', ...Object.keys(maps)].map(mapId),
  ];
}

function differencesOfObjects(
  content: Content,
  objects: ReadonlyMap<string, Live>,
  foreign: readonly string[],
): string[] {
  const deployment = objects.get('apps/Deployment/web/web');
  const secret = Buffer.from(objects.get(SECRET)?.data?.p ?? '', 'base64').toString();
  return [
    ...differencesOfSets('the cluster', [...objects.keys()], [...desiredIds(content), ...foreign]),
    ...Object.entries(content.maps)
      .filter(([name, data]) => JSON.stringify(objects.get(mapId(name))?.data) !== JSON.stringify(data))
      .map(([name]) => `${name} has ${JSON.stringify(objects.get(mapId(name))?.data)}`),
    ...(secret === secretOf(content) ? [] : ['the Secret has another value']),
    ...(deployment?.replicas === content.replicas && deployment.finished
      ? []
      : [`the Deployment is at ${deployment?.replicas} replicas of ${content.replicas}, or not finished`]),
  ];
}

function differencesOfSets(where: string, found: readonly string[], wanted: readonly string[]): string[] {
  return [
    ...wanted.filter((id) => !found.includes(id)).map((id) => `${where} lacks ${id}`),
    ...found.filter((id) => !wanted.includes(id)).map((id) => `${where} has ${id}`),
  ];
}

function liveOf(apiVersion: string, kind: string, { metadata, data, spec, status }: Item): Live {
  const isDone = status?.conditions?.some(
    ({ type, reason }) => type === 'Progressing' && reason === 'NewReplicaSetAvailable',
  );
  const { uid, resourceVersion } = metadata;
  return {
    id: objectId({ apiVersion, kind, metadata }),
    uid,
    resourceVersion,
    ...(data && { data }),
    ...(spec?.replicas !== undefined && { replicas: spec.replicas }),
    finished:
      isDone === true &&
      status?.observedGeneration === metadata.generation &&
      status?.replicas === spec?.replicas &&
      status?.readyReplicas === spec?.replicas,
  };
}
