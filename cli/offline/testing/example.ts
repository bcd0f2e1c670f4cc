import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GIT_ENVIRONMENT, git } from '#test/bed/git.ts';
import type { Scratch } from '#test/bed/scratch.ts';
import { obtainTools } from '#tools/obtain.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = join(ROOT, 'cli/main.ts');

/** A Git repository with one commit of fleet-repo-example, at its root or below; answers its directory. */
export async function exampleRepository(scratch: Scratch, below = ''): Promise<string> {
  const dir = join(scratch.dir, 'fleet');
  await mkdir(join(dir, below), { recursive: true });
  await cp(join(ROOT, 'fleet-repo-example'), join(dir, below), { recursive: true });
  await git(['init', '--quiet', '--initial-branch=main'], { cwd: dir });
  await commit(dir, 'The example');
  return dir;
}

export async function commit(dir: string, message: string): Promise<void> {
  await git(['add', '--all'], { cwd: dir });
  await git(['commit', '--quiet', '-m', message], { cwd: dir });
}

/** Writes a file of a repository. */
export async function put(dir: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, file)), { recursive: true });
  await writeFile(join(dir, file), text);
}

/** Replaces a text in a file, which must be there. */
export async function edit(dir: string, file: string, find: string, replace: string): Promise<void> {
  const text = await readFile(join(dir, file), 'utf8');
  if (!text.includes(find)) throw new Error(`${file} does not hold ${find}`);
  await writeFile(
    join(dir, file),
    text.replace(find, () => replace),
  );
}

/** A label that is misspelt, a base that is not there and a document of another kind. */
export async function makeMistakes(fleet: string): Promise<void> {
  await edit(fleet, 'clusters/prod-eu-1.yaml', 'region:', 'regoin:');
  await edit(fleet, 'apps/storefront/overlays/dev/kustomization.yaml', '../../base', '../../bas');
  await put(fleet, 'placements/new.yaml', 'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\n');
}

/** The program as a person in a directory runs it, with nothing of this machine's configuration but the pinned kustomize. */
export async function start(
  scratch: Scratch,
  cwd: string,
  line: string | readonly string[],
  env: Record<string, string> = {},
) {
  const argv = typeof line === 'string' ? line.split(' ').filter(Boolean) : line;
  const { kustomize } = await obtainTools(['kustomize']);
  const child = spawn(process.execPath, [MAIN, ...argv], {
    cwd,
    env: {
      ...GIT_ENVIRONMENT,
      GIT_CEILING_DIRECTORIES: dirname(scratch.dir),
      TMPDIR: scratch.dir,
      FLOTILLA_HUB: 'http://127.0.0.1:9',
      FLOTILLA_KUSTOMIZE: kustomize,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      told[stream] += text;
    });
  return { child, told, ended: once(child, 'close').then(([code]) => code as number) };
}

export async function flotilla(
  scratch: Scratch,
  cwd: string,
  line: string | readonly string[],
  env: Record<string, string> = {},
) {
  const { told, ended } = await start(scratch, cwd, line, env);
  return { code: await ended, ...told };
}
