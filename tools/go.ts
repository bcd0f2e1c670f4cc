/** Building a program with the Go that is on the machine, from the module proxy. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToolsConfig } from './config.ts';
import { SourceFailed } from './events.ts';
import { runOwned } from './owned.ts';
import { type GoRecipe, PINS, type ToolName } from './pins.ts';
import { goSuffices } from './plan.ts';

const MODULES = join(import.meta.dirname, 'go');

type Toolchain = { version: string; toolchain: string; environment: NodeJS.ProcessEnv };

/** go.mod and go.sum of a tool that has a module here, for its cache key. */
export async function moduleFiles(recipe: GoRecipe): Promise<string[]> {
  if (recipe.module === undefined) return [];
  const directory = join(MODULES, recipe.module);
  return Promise.all(['go.mod', 'go.sum'].map((file) => readFile(join(directory, file), 'utf8')));
}

/** Go builds for one run; the toolchain is asked once. */
export class GoBuilds {
  private readonly config: ToolsConfig;
  private toolchain: Promise<Toolchain> | undefined;

  constructor(config: ToolsConfig) {
    this.config = config;
  }

  /**
   * Builds `recipe` into `directory` as `name` and returns its path.
   * @throws SourceFailed when there is no suitable Go, the module proxy is unreachable, or it does not compile.
   */
  async program(
    recipe: GoRecipe,
    name: ToolName,
    directory: string,
    onStep: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<string> {
    this.toolchain ??= this.findToolchain(signal);
    const { version, toolchain, environment } = await this.toolchain;
    if (!goSuffices(version, toolchain, recipe.go)) {
      throw new SourceFailed(`${version} is too old, this program needs Go ${recipe.go} or newer`);
    }
    const variables = recipe.variables.map((variable) => ` -X ${variable}`).join('');
    const flags = ['-v', '-trimpath', '-buildvcs=false', '-ldflags', `-s -w${variables}`];
    const out = join(directory, name);
    const arguments_ =
      recipe.module === undefined
        ? ['install', ...flags, `${recipe.package}@v${PINS[name].version}`]
        : ['build', ...flags, '-o', out, recipe.package];
    const { code, stderr } = await runOwned(
      'go',
      arguments_,
      {
        cwd: recipe.module === undefined ? directory : join(MODULES, recipe.module),
        env: { ...environment, GOBIN: directory },
        onStderr: stepCounter(onStep),
      },
      signal,
    );
    if (code !== 0) throw new SourceFailed(`go ${arguments_[0]} failed: ${explainFailure(stderr)}`);
    return out;
  }

  private async findToolchain(signal?: AbortSignal): Promise<Toolchain> {
    // CGO off: no C compiler is needed, and the result runs on any libc. No workspace: this may lie inside one.
    const environment: NodeJS.ProcessEnv = {
      ...this.config.environment,
      ...{ CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '', GO111MODULE: 'on' },
    };
    const question = ['env', '-json', 'GOVERSION', 'GOTOOLCHAIN', 'GOMODCACHE', 'GOCACHE'];
    const { code, stdout, stderr } = await runOwned('go', question, { env: environment }, signal);
    if (code === 127 || code === 126) throw new SourceFailed('Go is not on PATH');
    if (code !== 0) throw new SourceFailed(`go env failed: ${explainFailure(stderr)}`);
    const told = JSON.parse(stdout) as Record<string, string | undefined>;
    const caches = [told.GOMODCACHE, told.GOCACHE];
    if (!caches.every((cache) => cache !== undefined && isWritable(cache))) {
      // No usable home: the same two caches below ours, where plain `rm -r` can remove them.
      environment.GOMODCACHE = join(this.config.cacheDir, 'go', 'mod');
      environment.GOCACHE = join(this.config.cacheDir, 'go', 'build');
      environment.GOPATH = join(this.config.cacheDir, 'go');
      environment.GOFLAGS = '-modcacherw';
    }
    return { version: told.GOVERSION ?? '', toolchain: told.GOTOOLCHAIN ?? '', environment };
  }
}

function isWritable(directory: string): boolean {
  if (directory === '' || directory === 'off') return false;
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Turns what `go -v` prints into a short line: modules while it downloads, packages while it compiles. */
function stepCounter(onStep: (text: string) => void): (chunk: string) => void {
  let modules = 0;
  let packages = 0;
  return (chunk) => {
    for (const line of chunk.split('\n')) {
      if (line.startsWith('go: downloading ')) modules += 1;
      else if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) packages += 1;
    }
    const parts = [
      modules > 0 && `${modules} modules downloaded`,
      packages > 0 && `${packages} packages compiled`,
    ];
    const text = parts.filter((part) => part !== false).join(', ');
    if (text !== '') onStep(text);
  };
}

/** The lines of Go's output that are not progress, shortened: the last ones say what went wrong. */
function explainFailure(stderr: string): string {
  const lines = stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('go: downloading') && !/^[\w./~-]+$/.test(line));
  const text = lines.slice(-4).join(' · ');
  const offline = /dial tcp|no such host|connection refused|i\/o timeout|TLS handshake/.test(text);
  return `${offline ? 'the module proxy cannot be reached: ' : ''}${text || 'no reason given'}`;
}
