/** Several real control planes on one etcd. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { obtainTools } from '#tools/obtain.ts';
import { ControlPlane } from './control-plane.ts';
import { freePort } from './ports.ts';
import { Service } from './service.ts';

export type ControlPlanesOptions = {
  /** Holds certificates, tokens, logs and etcd's data; must be empty. */
  dir: string;
  /** Names, which are also directories and etcd prefixes; `cluster-1` and so on when not given. */
  names?: readonly string[];
  /** Fake nodes per control plane. */
  nodes?: number;
};

export class ControlPlanes implements AsyncDisposable {
  readonly planes: readonly ControlPlane[];
  private readonly etcd: Service;

  constructor(etcd: Service, planes: readonly ControlPlane[]) {
    this.etcd = etcd;
    this.planes = planes;
  }

  /** The n-th, counted from 0. */
  at(index: number): ControlPlane {
    const plane = this.planes[index];
    if (!plane) throw new Error(`there are ${this.planes.length} control planes, none has index ${index}`);
    return plane;
  }

  async stop(): Promise<void> {
    await Promise.all(this.planes.map((plane) => plane.stop()));
    await this.etcd.kill9();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts `count` control planes side by side; each runs Deployments to readiness on fake nodes. */
export async function startControlPlanes(
  count: number,
  options: ControlPlanesOptions,
  signal?: AbortSignal,
): Promise<ControlPlanes> {
  const names = options.names ?? Array.from({ length: count }, (_, index) => `cluster-${index + 1}`);
  if (names.length !== count)
    throw new Error(`${count} control planes were asked for with ${names.length} names`);
  const { etcd: etcdProgram, ...programs } = await obtainTools(
    ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'],
    {},
    signal,
  );
  const { service: etcd, url } = await startEtcd(join(options.dir, 'etcd'), etcdProgram, signal);
  const started = await Promise.allSettled(
    names.map((name) =>
      ControlPlane.start(
        { name, dir: join(options.dir, name), etcd: url, programs, nodes: options.nodes ?? 1 },
        signal,
      ),
    ),
  );
  const planes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const control = new ControlPlanes(etcd, planes);
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await control.stop();
    throw failed.reason;
  }
  return control;
}

async function startEtcd(
  dir: string,
  program: string,
  signal?: AbortSignal,
): Promise<{ service: Service; url: string }> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const url = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const service = new Service({
    name: 'etcd',
    command: program,
    args: [
      ...['--data-dir', join(dir, 'data'), '--name', 'bed', '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...[
        '--listen-peer-urls',
        peer,
        '--initial-advertise-peer-urls',
        peer,
        '--initial-cluster',
        `bed=${peer}`,
      ],
      // What a bed stores is worth nothing after its end.
      '--unsafe-no-fsync',
    ],
    logFile: join(dir, 'etcd.log'),
    ready: async (until) => (await fetch(`${url}/readyz`, { signal: until })).ok,
    graceMs: 500,
  });
  await service.start(signal);
  return { service, url };
}
