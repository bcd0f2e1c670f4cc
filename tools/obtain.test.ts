import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ToolsConfig } from './config.ts';
import { SourceFailed, type ToolEvent } from './events.ts';
import { type Deliver, lookupTool, obtainTools } from './obtain.ts';
import { PINS } from './pins.ts';

const KUSTOMIZE = PINS.kustomize.version;

function configFor(cacheDir: string, searchPath: string[] = []): ToolsConfig {
  return {
    cacheDir,
    searchPath,
    platform: 'linux-x64',
    platformName: 'linux-x64',
    environment: { PATH: process.env.PATH },
  };
}

async function script(path: string, version: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\necho v${version}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Delivers a script that says the pinned version, and tells by which sources it was asked. */
function delivering(version?: string): { deliver: Deliver; asked: string[] } {
  const asked: string[] = [];
  const deliver: Deliver = async (source, name, directory) => {
    asked.push(`${name} ${source.kind}`);
    return script(join(directory, name), version ?? PINS[name].version);
  };
  return { deliver, asked };
}

const silent = () => undefined;

test('a program is obtained once; after that it is found without running or writing anything', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const config = configFor(directory.path);
  const { deliver, asked } = delivering();
  const first = await obtainTools(['kustomize', 'nats-server'], { config, deliver, progress: silent });
  assert.deepEqual(asked, ['kustomize release', 'nats-server release']);
  assert.deepEqual(await readdir(join(directory.path, 'tmp')), []);
  assert.deepEqual((await readdir(directory.path)).sort(), ['tmp', 'tools', 'tools.json']);
  // The fastest counts: the others may be what else the machine does.
  let fastest = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 100 && fastest >= 20; tries++) {
    const started = performance.now();
    assert.deepEqual(await obtainTools(['kustomize', 'nats-server'], { config, deliver }), first);
    fastest = Math.min(fastest, performance.now() - started);
  }
  assert.equal(asked.length, 2);
  assert.ok(fastest < 20, `the fast path took ${fastest} ms`);
});

test('a source that fails is passed over for the next, and the reason is told', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const events: ToolEvent[] = [];
  const deliver: Deliver = async (source, name, into) => {
    if (source.kind === 'release') throw new SourceFailed('the host is away');
    return script(join(into, name), KUSTOMIZE);
  };
  const options = {
    config: configFor(directory.path),
    deliver,
    progress: (event: ToolEvent) => events.push(event),
  };
  await obtainTools(['kustomize'], options);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['trying', 'passed', 'trying', 'ready'],
  );
  assert.ok(events.some((event) => event.kind === 'passed' && event.text === 'the host is away'));
});

test('a program that says another version is never kept, and every way that was tried is named', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const config = configFor(directory.path);
  const { deliver } = delivering('9.9.9');
  await assert.rejects(obtainTools(['kustomize'], { config, deliver, progress: silent }), (error: Error) => {
    assert.equal(error.name, 'ToolsError');
    assert.match(error.message, /kustomize 5\.5\.0 cannot be obtained/);
    assert.match(error.message, /release from github\.com: it says version 9\.9\.9 instead of 5\.5\.0/);
    assert.match(error.message, /Go build of .*: it says version/);
    assert.match(error.message, /install Go/);
    return true;
  });
  assert.deepEqual(await readdir(join(directory.path, 'tools')), []);
});

test('PATH is preferred at the right version and passed over at another', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const [bin, old] = [join(directory.path, 'bin'), join(directory.path, 'old')];
  await mkdir(bin);
  await mkdir(old);
  const right = await script(join(bin, 'kustomize'), KUSTOMIZE);
  await script(join(old, 'kustomize'), '4.0.0');
  const { deliver, asked } = delivering();
  const config = configFor(join(directory.path, 'cache'), [old, bin]);
  assert.equal((await obtainTools(['kustomize'], { config, deliver, progress: silent })).kustomize, right);
  assert.deepEqual(asked, []);
  // When that file changes, what was known about it no longer counts.
  await script(right, '4.0.1 longer');
  const again = await obtainTools(['kustomize'], { config, deliver, progress: silent });
  assert.notEqual(again.kustomize, right);
  assert.deepEqual(asked, ['kustomize release']);
});

test('an older nats-server from Debian is good enough when nothing else can be had, and that is said', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const config = configFor(directory.path);
  const deliver: Deliver = async (source, name, into) => {
    if (source.kind !== 'debian') throw new SourceFailed('offline');
    return script(join(into, name), '2.9.10');
  };
  const events: ToolEvent[] = [];
  const progress = (event: ToolEvent) => events.push(event);
  await obtainTools(['nats-server'], { config, deliver, progress });
  const ready = events.find((event) => event.kind === 'ready');
  assert.match(ready?.from ?? '', /Debian package.*older than the pinned 2\.14\.9/);
  assert.equal((await lookupTool('nats-server', config))?.version, '2.9.10');
});

test('a run that is killed with -9 leaves nothing half: the next one takes over, sweeps and finishes', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const config = configFor(directory.path);
  const code = `
    import { writeFile } from 'node:fs/promises';
    import { obtainTools } from ${JSON.stringify(join(import.meta.dirname, 'obtain.ts'))};
    setTimeout(() => {}, 600_000);
    const deliver = async (source, name, into) => {
      await writeFile(into + '/' + name, 'half');
      console.log('half written');
      return new Promise(() => {});
    };
    await obtainTools(['kustomize'], { config: ${JSON.stringify(config)}, deliver });`;
  const victim = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(victim.stdout, 'data');
  const dead = once(victim, 'exit');
  victim.kill('SIGKILL');
  await dead;
  assert.equal((await readdir(join(directory.path, 'tmp'))).length, 1);
  assert.deepEqual(await readdir(join(directory.path, 'tools')), []);
  const { deliver } = delivering();
  const { kustomize } = await obtainTools(['kustomize'], { config, deliver, progress: silent });
  assert.match(await readFile(kustomize, 'utf8'), /^#!/);
  assert.deepEqual(await readdir(join(directory.path, 'tmp')), []);
});

test('two runs at once obtain a program once: the second waits, says so, and finds it', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const config = configFor(directory.path);
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { deliver, asked } = delivering();
  const slow: Deliver = async (...args) => {
    begun.resolve();
    await release.promise;
    return deliver(...args);
  };
  const first = obtainTools(['kustomize'], { config, deliver: slow, progress: silent });
  await begun.promise;
  const progress = (event: ToolEvent) => {
    assert.equal(event.kind, 'waiting');
    release.resolve();
  };
  const second = obtainTools(['kustomize'], { config, deliver: slow, progress });
  assert.deepEqual(await first, await second);
  assert.equal(asked.length, 1);
});

test('an abort ends the run, removes what was unfinished and releases the lock', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const config = configFor(directory.path);
  const stop = new AbortController();
  const deliver: Deliver = async (_source, _name, _into, _onStep, signal) => {
    stop.abort();
    signal?.throwIfAborted();
    throw new Error('not reached');
  };
  const run = obtainTools(['kustomize'], { config, deliver, progress: silent }, stop.signal);
  await assert.rejects(run, { name: 'AbortError' });
  assert.deepEqual(await readdir(join(directory.path, 'tmp')), []);
  assert.ok(!(await readdir(directory.path)).includes('lock'));
});

test('a cache that cannot be written is told with its path and the way out', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flotilla-tools-'));
  const file = join(directory.path, 'file');
  await writeFile(file, '');
  await assert.rejects(obtainTools(['kustomize'], { config: configFor(join(file, 'cache')) }), {
    name: 'ToolsError',
    message: /the cache .*file\/cache cannot be written: .*FLOTILLA_CACHE_DIR/,
  });
});
