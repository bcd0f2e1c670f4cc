import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createNkey } from '#proto/nkey.ts';
import { GIT_ENVIRONMENT, git } from '#test/bed/git.ts';
import { createBareRepository } from '#test/bed/git-repository.ts';

/**
 * A fleet repo of any size for benchmarks. Every placement selects every cluster. A third of the placements have `{name}` in
 * their path, so that each cluster has a directory of its own, of which some hundred differ in content; the others have one
 * directory for each environment and region. Every overlay reads the base of its placement.
 */
export type SyntheticSize = { readonly clusters: number; readonly placements?: number };

const API = 'apiVersion: flotilla.dev/v1alpha1';
const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const;
const RINGS = ['canary', 'early', 'broad'] as const;
const REGIONS = 50;
/** Contents of directories by `{name}`, for each placement. */
const VARIANTS = 200;

export class SyntheticFleet {
  /** The bare repository, with branch main; it can be served over HTTP as it is. */
  readonly path: string;
  readonly size: Required<SyntheticSize>;
  readonly #keys: readonly string[];
  #commits = 0;

  private constructor(path: string, size: SyntheticSize, keys: readonly string[]) {
    this.path = path;
    this.size = { placements: 20, ...size };
    this.#keys = keys;
  }

  /** Makes the repository and its first commit. */
  static async create(path: string, size: SyntheticSize): Promise<SyntheticFleet> {
    await createBareRepository(path);
    const keys = Array.from({ length: size.clusters }, () => createNkey('user').publicKey);
    const fleet = new SyntheticFleet(path, size, keys);
    await fleet.commit(fleet.files(), 'The whole fleet');
    // As a Git host keeps it: one pack, with deltas.
    await git(['repack', '-a', '-d', '-q'], { cwd: path });
    return fleet;
  }

  /** Overlays with different content. */
  get overlays(): number {
    const { clusters, placements } = this.size;
    const byName = Math.ceil(placements / 3);
    const places = new Set(Array.from({ length: clusters }, (_, i) => `${environmentOf(i)}/${regionOf(i)}`));
    return byName * Math.min(VARIANTS, clusters) + (placements - byName) * places.size;
  }

  /** One commit on top of main, each file with its new text, or undefined to delete it; its object id. */
  async commit(
    files: Iterable<readonly [path: string, text: string | undefined]>,
    message: string,
  ): Promise<string> {
    const child = spawn('git', ['fast-import', '--quiet', '--force'], {
      cwd: this.path,
      env: GIT_ENVIRONMENT,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const ended = once(child, 'close');
    const write = async (text: string) => {
      if (!child.stdin.write(text)) await once(child.stdin, 'drain');
    };
    const person = `Ada <ada@example.com> ${1_700_000_000 + 60 * this.#commits} +0000`;
    const parent = this.#commits === 0 ? '' : 'from refs/heads/main^0\n';
    await write(`commit refs/heads/main\nauthor ${person}\ncommitter ${person}\n${data(message)}\n${parent}`);
    let waiting = '';
    for (const [path, text] of files) {
      waiting += text === undefined ? `D ${path}\n` : `M 100644 inline ${path}\n${data(text)}\n`;
      if (waiting.length < 100_000) continue;
      await write(waiting);
      waiting = '';
    }
    await write(waiting);
    child.stdin.end();
    const [code] = (await ended) as [number];
    if (code !== 0) throw new Error(`git fast-import failed (${code})`);
    this.#commits++;
    return git(['rev-parse', 'main'], { cwd: this.path });
  }

  /** Path and text of an entry; another `turn`, another value. */
  cluster(index: number, turn = 0): readonly [string, string] {
    const name = clusterName(index);
    const labels = `env: ${environmentOf(index)}, region: ${regionOf(index)}, ring: ${RINGS[(index % 7) % 3]}`;
    return [
      `clusters/${regionOf(index)}/${name}.yaml`,
      `${head('Cluster', name, `, labels: { ${labels} }`)}
spec:
  agent:
    publicKeys: [${this.#keys[index]}]
  values:
    domain: ${name}.acme.example
    replicas: ${2 + ((index + turn) % 5)}
`,
    ];
  }

  /** Path and text of a file that every overlay of a placement reads. */
  base(placement: number, turn = 0): readonly [string, string] {
    const app = appName(placement);
    return [
      `apps/${app}/base/deployment.yaml`,
      `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${app}
spec:
  selector:
    matchLabels: { app: ${app} }
  template:
    metadata:
      labels: { app: ${app} }
    spec:
      containers:
        - name: main
          image: registry.acme.example/${app}:1.${turn}.0
          ports: [{ containerPort: 8080 }]
`,
    ];
  }

  /** Every file of the first commit. */
  *files(): Iterable<readonly [string, string]> {
    const { clusters, placements } = this.size;
    yield ['flotilla.yaml', FLEET];
    yield [
      'rollouts/standard.yaml',
      `${head('RolloutStrategy', 'standard')}\nspec: { stages: [{ name: all, selector: {} }] }\n`,
    ];
    for (let region = 0; region < Math.min(REGIONS, clusters); region++) {
      const name = regionOf(region);
      yield [
        `values/${name}.yaml`,
        `${head('Values', name)}\nspec: { selector: { matchLabels: { region: ${name} } }, values: { currency: C${region} } }\n`,
      ];
    }
    for (let i = 0; i < clusters; i++) yield this.cluster(i);
    for (let i = 0; i < placements; i++) yield* this.#placement(i);
  }

  *#placement(index: number): Iterable<readonly [string, string]> {
    const app = appName(index);
    const byName = index % 3 === 0;
    const path = byName ? `apps/${app}/clusters/{name}` : `apps/${app}/overlays/{env}/{region}`;
    const values =
      index % 2 === 0 ? '\n  values: { required: [domain], optional: { replicas: 2, currency: USD } }' : '';
    yield [
      `placements/${app}.yaml`,
      `${head('Placement', app)}\nspec:\n  selector: {}\n  path: ${path}\n  namespace: ${app}${values}\n`,
    ];
    yield this.base(index);
    yield [
      `apps/${app}/base/service.yaml`,
      `apiVersion: v1\nkind: Service\nmetadata: { name: ${app} }\nspec: { selector: { app: ${app} }, ports: [{ port: 80 }] }\n`,
    ];
    yield [`apps/${app}/base/kustomization.yaml`, 'resources:\n  - deployment.yaml\n  - service.yaml\n'];
    const seen = new Set<string>();
    for (let i = 0; i < this.size.clusters; i++) {
      const place = byName ? clusterName(i) : `${environmentOf(i)}/${regionOf(i)}`;
      if (seen.has(place)) continue;
      seen.add(place);
      const folder = path.replace('{name}', place).replace('{env}/{region}', place);
      const up = byName ? '../../base' : '../../../base';
      const content = byName ? `variant ${i % VARIANTS}` : place;
      yield [`${folder}/kustomization.yaml`, `resources:\n  - ${up}\n  - settings.yaml\n`];
      yield [
        `${folder}/settings.yaml`,
        `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { of: "${app} ${content}" }\n`,
      ];
    }
  }
}

const FLEET = `${head('Fleet', 'synthetic')}
spec:
  branch: main
  labels:
    env: { required: true, enum: [${ENVIRONMENTS.join(', ')}] }
    region: { required: true, pattern: "^r[0-9]{2}$" }
    ring: { required: true, enum: [${RINGS.join(', ')}] }
  defaults: { strategy: standard }
`;

export const clusterName = (index: number) => `c${String(index).padStart(5, '0')}`;
export const appName = (index: number) => `app-${String(index).padStart(2, '0')}`;
const environmentOf = (index: number) => ENVIRONMENTS[Math.floor(index / REGIONS) % ENVIRONMENTS.length]!;
const regionOf = (index: number) => `r${String(index % REGIONS).padStart(2, '0')}`;

function head(kind: string, name: string, more = ''): string {
  return `${API}\nkind: ${kind}\nmetadata: { name: ${name}${more} }`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}
