/** Obtains external programs: from PATH, from the cache, or from the first source that delivers. */
import { accessSync, constants, statSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type ManifestEntry, ToolCache } from './cache.ts';
import { readToolsConfig, type ToolsConfig } from './config.ts';
import { debianProgram } from './debian.ts';
import { Downloads } from './download.ts';
import { ToolsError } from './errors.ts';
import { type Progress, SourceFailed } from './events.ts';
import { GoBuilds, moduleFiles } from './go.ts';
import { withLock } from './lock.ts';
import { runOwned } from './owned.ts';
import { ALL_TOOLS, PINS, type ToolName } from './pins.ts';
import { cacheKey, compareVersions, parseVersion, type Source, sourcesFor } from './plan.ts';
import { reportTo } from './report.ts';

export type ObtainOptions = {
  /** Where to tell what goes on; stderr when not given. Nothing is told when nothing is missing. */
  progress?: Progress;
  config?: ToolsConfig;
  /** For tests: delivers a program into a directory, or throws SourceFailed. */
  deliver?: Deliver;
};

/** Puts the program of one source into `directory` and returns its path. */
export type Deliver = (
  source: Source,
  name: ToolName,
  directory: string,
  onStep: (text: string) => void,
  signal?: AbortSignal,
) => Promise<string>;

/** What is known of one program without running or fetching anything. */
export async function lookupTool(
  name: ToolName,
  config: ToolsConfig = readToolsConfig(),
): Promise<ManifestEntry | undefined> {
  return new ToolCache(config.cacheDir).lookup(name, await keyOf(name, config));
}

/**
 * Paths of the programs asked for (all that are pinned when none are named), obtaining what is missing. When all were found before, this costs a few file
 * reads and runs nothing. A program appears in the cache whole or not at all, whatever ends this process.
 * @throws ToolsError naming every program that cannot be had and every way that was tried; the others are kept.
 */
export async function obtainTools<Name extends ToolName>(
  names: readonly Name[] = ALL_TOOLS as Name[],
  options: ObtainOptions = {},
  signal?: AbortSignal,
): Promise<Record<Name, string>> {
  const config = options.config ?? readToolsConfig();
  const cache = new ToolCache(config.cacheDir);
  const keys = new Map<Name, string>();
  for (const name of names) keys.set(name, await keyOf(name, config));
  const found = new Map<Name, string>();
  const look = () => {
    for (const [name, key] of keys) {
      const entry = cache.lookup(name, key);
      if (entry) found.set(name, entry.path);
    }
    return found.size === keys.size;
  };
  if (!look()) {
    cache.open();
    const { progress = reportTo(process.stderr) } = options;
    const onWait = (holder: { pid: number }) => progress({ kind: 'waiting', holder: holder.pid });
    const failures = await withLock(
      cache.lockPath,
      { onWait },
      async () => {
        await cache.sweep();
        look(); // another run may have obtained them while this one waited
        const run = new Run(config, cache, progress, options.deliver ?? realSources(config));
        const reasons: string[] = [];
        for (const [name, key] of keys) {
          if (found.has(name)) continue;
          const result = await run.obtain(name, key, signal);
          if (typeof result === 'string') reasons.push(result);
          else found.set(name, result.path);
        }
        return reasons;
      },
      signal,
    );
    if (failures.length > 0) throw new ToolsError(failures.join('\n'));
  }
  return Object.fromEntries(found) as Record<Name, string>;
}

async function keyOf(name: ToolName, config: ToolsConfig): Promise<string> {
  const pin = PINS[name];
  return cacheKey(pin, config.platformName, await moduleFiles(pin.go));
}

/** One run under the lock; unreachable hosts and the Go toolchain are asked once in it. */
class Run {
  private readonly config: ToolsConfig;
  private readonly cache: ToolCache;
  private readonly progress: Progress;
  private readonly deliver: Deliver;

  constructor(config: ToolsConfig, cache: ToolCache, progress: Progress, deliver: Deliver) {
    this.config = config;
    this.cache = cache;
    this.progress = progress;
    this.deliver = deliver;
  }

  /** The entry, or in words why it cannot be had. */
  async obtain(name: ToolName, key: string, signal?: AbortSignal): Promise<ManifestEntry | string> {
    const pin = PINS[name];
    const started = Date.now();
    const ready = async (path: string, version: string, from: string) => {
      const entry = await this.cache.record(name, { key, path, version, from });
      this.progress({
        kind: 'ready',
        tool: name,
        version,
        path,
        from,
        seconds: (Date.now() - started) / 1000,
      });
      return entry;
    };
    const home = join(this.cache.home(name, pin.version, key), name);
    const inCache = isProgram(home) && (await this.versionOf(name, home, signal));
    if (inCache === pin.version) return ready(home, inCache, 'the cache');
    const onPath = await this.searchPath(name, signal);
    const exact = onPath.find(({ version }) => version === pin.version);
    if (exact) return ready(exact.path, exact.version, 'PATH');

    const tried: string[] = onPath.map(({ path, version }) => `PATH: ${path} is ${version}`);
    for (const source of sourcesFor(pin, this.config.platform)) {
      const label = describeSource(source);
      const wait = source.kind === 'go' ? `, about ${source.recipe.seconds} s on two cores` : '';
      this.progress({ kind: 'trying', tool: name, version: pin.version, text: `${label}${wait}` });
      const oldest = source.kind === 'debian' ? source.oldest : pin.version;
      const older = onPath.find(({ version }) => compareVersions(version, oldest) >= 0);
      if (source.kind === 'debian' && older) {
        return ready(older.path, older.version, `PATH (older than the pinned ${pin.version}, good enough)`);
      }
      try {
        const { path, version } = await this.fromSource(source, name, key, signal);
        const note = version === pin.version ? '' : ` (older than the pinned ${pin.version}, good enough)`;
        return await ready(path, version, `${label}${note}`);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof SourceFailed)) throw error;
        tried.push(`${label}: ${error.message}`);
        this.progress({ kind: 'passed', tool: name, text: error.message });
      }
    }
    const ways = tried.map((line) => `\n    ${line}`).join('');
    return `${name} ${pin.version} cannot be obtained:${ways}\n    Put it on PATH, install Go ${pin.go.go} or newer, or go online once.`;
  }

  /** Delivers into a temporary directory, asks the program for its version, then moves it to its home. */
  private fromSource(
    source: Source,
    name: ToolName,
    key: string,
    signal?: AbortSignal,
  ): Promise<{ path: string; version: string }> {
    const pin = PINS[name];
    return this.cache.temporary(async (directory) => {
      const onStep = (text: string) => this.progress({ kind: 'step', tool: name, text });
      const work = join(directory, 'work');
      const done = join(directory, 'done');
      await mkdir(work);
      await mkdir(done);
      const path = await this.deliver(source, name, work, onStep, signal);
      await rename(path, join(done, name));
      const version = await this.versionOf(name, join(done, name), signal);
      const oldest = source.kind === 'debian' ? source.oldest : pin.version;
      const right =
        source.kind === 'debian' ? compareVersions(version ?? '0', oldest) >= 0 : version === oldest;
      if (!right || version === undefined) {
        throw new SourceFailed(`it says version ${version ?? 'nothing'} instead of ${oldest}`);
      }
      const home = this.cache.home(name, version, key);
      await this.cache.publish(done, home);
      return { path: join(home, name), version };
    });
  }

  private async searchPath(
    name: ToolName,
    signal?: AbortSignal,
  ): Promise<{ path: string; version: string }[]> {
    const found: { path: string; version: string }[] = [];
    for (const path of new Set(this.config.searchPath.map((directory) => join(directory, name)))) {
      const version = isProgram(path) ? await this.versionOf(name, path, signal) : undefined;
      if (version !== undefined) found.push({ path, version });
    }
    return found;
  }

  private async versionOf(name: ToolName, path: string, signal?: AbortSignal): Promise<string | undefined> {
    const limit = AbortSignal.timeout(10_000);
    try {
      const question = [...PINS[name].askVersion];
      const { code, stdout, stderr } = await runOwned(
        path,
        question,
        { env: this.config.environment },
        signal ? AbortSignal.any([signal, limit]) : limit,
      );
      return code === 0 ? parseVersion(stdout + stderr) : undefined;
    } catch (error) {
      signal?.throwIfAborted();
      if (limit.aborted) return undefined;
      throw error;
    }
  }
}

function realSources(config: ToolsConfig): Deliver {
  const downloads = new Downloads();
  const builds = new GoBuilds(config);
  return (source, name, directory, onStep, signal) => {
    switch (source.kind) {
      case 'release': {
        const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
        const onBytes = (received: number, total: number) =>
          onStep(`${megabytes(received)}${total > 0 ? ` of ${megabytes(total)}` : ''} MB`);
        return downloads.program(source.release, name, directory, { onBytes }, signal);
      }
      case 'go':
        return builds.program(source.recipe, name, directory, onStep, signal);
      case 'debian':
        return debianProgram(source, name, directory, config.environment, signal);
      default:
        throw new Error(`unknown source ${JSON.stringify(source satisfies never)}`);
    }
  };
}

function describeSource(source: Source): string {
  switch (source.kind) {
    case 'release':
      return `release from ${new URL(source.release.url).host}`;
    case 'go':
      return `Go build of ${source.recipe.package}`;
    case 'debian':
      return `Debian package ${source.package}`;
    default:
      throw new Error(`unknown source ${JSON.stringify(source satisfies never)}`);
  }
}

function isProgram(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
