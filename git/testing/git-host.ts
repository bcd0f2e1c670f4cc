import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { GIT_ENVIRONMENT } from '#test/bed/git.ts';
import { serveGit } from '#test/bed/git-backend.ts';
import { GitRemote, type GitRemoteOptions } from '../remote.ts';
import { Repository, type RepositoryOptions } from '../repository.ts';

/** What a test does to a request before Git sees it: answer it (true) or let it pass (anything else). */
export type Interference = (request: IncomingMessage, response: ServerResponse) => boolean | undefined;

/** A bare repository behind the real `git http-backend`, with a door for tests that need a bad server. */
export type GitHost = {
  readonly url: string;
  /** The bare repository on disk. */
  readonly directory: string;
  interfere: Interference | undefined;
  /** Stops every answer after so many bytes; then the connection hangs until `onCut` does something. */
  cut: { afterBytes: number; onCut: (response: ServerResponse) => void } | undefined;
  /** Hands a request to Git, which an interference held back. */
  serve(request: IncomingMessage, response: ServerResponse): void;
  git(...args: string[]): string;
  /** Feeds `git fast-import`; answers the tip of main. */
  import(stream: string): string;
  config(key: string, value: string): void;
};

export async function startGitHost(t: TestContext): Promise<GitHost> {
  const root = temporaryDirectory(t);
  const directory = join(root, 'fleet.git');
  const git = (args: string[], input?: string) =>
    execFileSync('git', ['-C', directory, ...args], {
      env: GIT_ENVIRONMENT,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input !== undefined && { input }),
    }).trim();
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', directory], { env: GIT_ENVIRONMENT });
  const server = createServer((request, response) => {
    if (!host.interfere?.(request, response)) host.serve(request, response);
  });
  const host: GitHost = {
    url: '',
    directory,
    interfere: undefined,
    cut: undefined,
    serve: (request, response) => {
      if (host.cut) cutShort(response, host.cut);
      void serveGit(root, 'git', { requests: 0, bytesIn: 0, bytesOut: 0 }, request, response);
    },
    git: (...args) => git(args),
    import: (stream) => {
      git(['fast-import', '--quiet', '--force'], stream);
      return git(['rev-parse', 'main']);
    },
    config: (key, value) => void git(['config', key, value]),
  };
  host.config('uploadpack.allowFilter', 'true');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(host, { url: `http://127.0.0.1:${port}/fleet.git` });
}

/** Lets so many bytes of an answer through and holds back the rest, its end included. */
function cutShort(response: ServerResponse, { afterBytes, onCut }: NonNullable<GitHost['cut']>): void {
  const write = response.write.bind(response) as (chunk: Buffer, done?: () => void) => boolean;
  const end = response.end.bind(response);
  let left = afterBytes;
  response.write = (chunk: Buffer) => {
    if (chunk.length <= left) {
      left -= chunk.length;
      return write(chunk);
    }
    if (left >= 0) write(chunk.subarray(0, left), () => onCut(response));
    left = -1;
    return true;
  };
  response.end = () => (left < 0 ? response : end());
}

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-git-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function openRemote(t: TestContext, url: string, options: Partial<GitRemoteOptions> = {}): GitRemote {
  const remote = new GitRemote({ url, ...options });
  t.after(() => remote.close());
  return remote;
}

export async function openRepository(
  t: TestContext,
  options: Partial<RepositoryOptions> = {},
): Promise<Repository> {
  const repository = await Repository.open({ directory: temporaryDirectory(t), ...options });
  t.after(() => repository.close());
  return repository;
}
