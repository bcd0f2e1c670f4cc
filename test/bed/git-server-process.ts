/** The Git server in a process of its own, for tests that kill it. */
import { join } from 'node:path';
import { createBareRepository } from './git-repository.ts';
import type { Credentials } from './git-server.ts';
import { freePort } from './ports.ts';
import { Service } from './service.ts';

export type GitServerProcess = Service & {
  readonly url: string;
  readonly port: number;
  repositoryUrl(name: string): string;
  createRepository(name: string, options?: { from?: string }): Promise<{ url: string; path: string }>;
};

/** Starts it on 127.0.0.1 over the bare repositories below `dir`; its log lies beside them. */
export async function startGitServerProcess(
  options: { dir: string; port?: number; auth?: Credentials },
  signal?: AbortSignal,
): Promise<GitServerProcess> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const { auth } = options;
  const service = new Service({
    name: 'git-server',
    command: process.execPath,
    args: [join(import.meta.dirname, 'git-server-main.ts'), options.dir, String(port)],
    env: {
      ...process.env,
      ...(auth && { FLOTILLA_GIT_USER: auth.user, FLOTILLA_GIT_PASSWORD: auth.password }),
    },
    logFile: join(options.dir, 'git-server.log'),
    // Any answer will do: without a repository the right one is 404, without credentials 401.
    ready: async (until) => (await fetch(`${url}/`, { signal: until })).status > 0,
  });
  await service.start(signal);
  const repositoryUrl = (name: string) => `${url}/${name}.git`;
  return Object.assign(service, {
    url,
    port,
    repositoryUrl,
    createRepository: async (name: string, { from }: { from?: string } = {}) => {
      const path = join(options.dir, `${name}.git`);
      await createBareRepository(path, from);
      return { url: repositoryUrl(name), path };
    },
  });
}
