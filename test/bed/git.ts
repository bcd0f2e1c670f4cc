/** The system's git, cut off from the user's configuration, identity, hooks, prompts and signing. */
import { runOwned } from '#tools/owned.ts';

export const GIT_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  LC_ALL: 'C',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'false',
  GIT_AUTHOR_NAME: 'Ada Lovelace',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada Lovelace',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

/** Runs git and returns its output without the last line break. Fails with what git said. */
export async function git(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
  signal?: AbortSignal,
): Promise<string> {
  const { code, stdout, stderr } = await runOwned(
    'git',
    args,
    { ...options, env: { ...GIT_ENVIRONMENT, ...options.env }, limit: 16_000_000 },
    signal,
  );
  if (code !== 0) throw new Error(`git ${args[0]} failed (${code}): ${(stderr || stdout).trim()}`);
  return stdout.replace(/\n$/, '');
}
