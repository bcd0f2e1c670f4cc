/** The one place where the tools room reads the environment. */
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Platform } from './pins.ts';
import { platformOf } from './plan.ts';

export type ToolsConfig = {
  /** Absolute; holds programs, the lock and temporary directories. */
  cacheDir: string;
  /** Directories of PATH that are absolute; a relative one would make the result depend on the caller. */
  searchPath: readonly string[];
  platform: Platform | undefined;
  /** Platform and processor in Node's words, also where nothing is pinned for it. */
  platformName: string;
  /** What child processes get: plain, so that a user's Go or Git habits do not change what is built. */
  environment: NodeJS.ProcessEnv;
};

// Proxies, certificates and module mirrors are facts about the user's network and have to be kept.
const KEPT = [
  ...['PATH', 'HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
  ...['GOPATH', 'GOMODCACHE', 'GOCACHE', 'GOPROXY', 'GONOPROXY', 'GOPRIVATE', 'GOSUMDB', 'GONOSUMDB'],
  ...['GOTOOLCHAIN', 'GOROOT', 'GOINSECURE', 'GOAUTH', 'GOENV'],
];

/** FLOTILLA_CACHE_DIR overrides `~/.cache/flotilla`. */
export function readToolsConfig(env: NodeJS.ProcessEnv = process.env): ToolsConfig {
  const chosen = env.FLOTILLA_CACHE_DIR;
  return {
    cacheDir: chosen ? resolve(chosen) : join(homedir(), '.cache', 'flotilla'),
    searchPath: (env.PATH ?? '').split(delimiter).filter((directory) => isAbsolute(directory)),
    platform: platformOf(process.platform, process.arch),
    platformName: `${process.platform}-${process.arch}`,
    environment: Object.fromEntries(
      KEPT.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
    ),
  };
}
