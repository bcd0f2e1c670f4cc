import { spawn } from 'node:child_process';
import { FlotillaError } from '#proto/faults.ts';

/** What `git` said. */
export type GitResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type Environment = Readonly<Record<string, string | undefined>>;

const MOST_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Variables of Git that tell where its configuration and its objects are: they are kept, so that a repository that Git can read
 * from where this runs (a hook that looks at pushed objects, a container with its own configuration) can be read here. The others,
 * with which a hook names its own index and work tree, are not meant for this.
 */
const KEPT = /^GIT_(CONFIG|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|CEILING_DIRECTORIES|EXEC_PATH|SSL)/;

/** The environment for `git`: the caller's, in English, never asking, never fetching, never locking what people work with. */
export function gitEnvironment(own: Environment, more: Environment = {}): Environment {
  const kept = Object.entries(own).filter(([name]) => !name.startsWith('GIT_') || KEPT.test(name));
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    ...more,
  };
}

/**
 * Runs the machine's `git` to its end; a code other than 0 is an answer. The process is ended with the signal.
 * @throws FlotillaError git-local-failed where there is no `git` or it says too much; the signal's reason
 */
export async function runGit(
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Environment },
  signal: AbortSignal,
): Promise<GitResult> {
  signal.throwIfAborted();
  const child = spawn('git', args, { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let bytes = 0;
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_OUTPUT_BYTES) end();
      else said[stream].push(chunk);
    });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (cause) => reject(noGit(cause)));
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (code === null)
      throw new FlotillaError('git-local-failed', `git ${args[0]} was ended before it was done`);
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
    return { code, stdout: text(said.stdout), stderr: text(said.stderr) };
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Why git could not do something, in its own words. */
export function gitFailed(what: string, { stderr, code }: GitResult): FlotillaError {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^(fatal|error): /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('hint:'));
  return new FlotillaError(
    'git-local-failed',
    `${what}: ${lines.slice(0, 3).join('; ') || `git ended with ${code}`}`,
  );
}

export function noGit(cause: unknown): FlotillaError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'git is not on the PATH' : `git cannot be started: ${message}`;
  return new FlotillaError('git-local-failed', why, { cause });
}
