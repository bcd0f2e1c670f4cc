import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Environment } from '#git/local/program.ts';

/** What offline verbs use of the machine that they run on. */
export type Machine = {
  /** For `git`. */
  readonly env: Environment;
  /** Parent of temporary directories. */
  readonly scratch: string;
  /**
   * Absolute path of a program to render with: FLOTILLA_KUSTOMIZE or FLOTILLA_HELM, else the pinned one that `npm run tools`
   * obtained, else that on the PATH; undefined where there is none.
   */
  program(name: 'kustomize' | 'helm'): string | undefined;
};

export function readMachine(env: Environment = process.env): Machine {
  return {
    env,
    scratch: join(tmpdir(), `flotilla-${process.getuid?.() ?? 'cli'}`),
    program(name) {
      const chosen = name === 'helm' ? env.FLOTILLA_HELM : env.FLOTILLA_KUSTOMIZE;
      if (chosen) return resolve(chosen);
      const onPath = (env.PATH ?? '')
        .split(delimiter)
        .filter(isAbsolute)
        .map((directory) => join(directory, name));
      return [obtained(name, env), ...onPath].find((path) => path !== undefined && isProgram(path));
    },
  };
}

/** Where the manifest of `npm run tools` says that a program is. */
function obtained(name: string, env: Environment): string | undefined {
  const cache = env.FLOTILLA_CACHE_DIR || join(env.HOME || homedir(), '.cache', 'flotilla');
  try {
    const manifest = JSON.parse(readFileSync(join(cache, 'tools.json'), 'utf8')) as Record<
      string,
      { path?: unknown } | undefined
    >;
    const path = manifest[name]?.path;
    return typeof path === 'string' && isAbsolute(path) ? path : undefined;
  } catch {
    // Nothing was obtained, or nothing that can be read: the PATH is looked at next.
    return undefined;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
