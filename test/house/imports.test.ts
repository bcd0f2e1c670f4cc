import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot, sourceFiles } from './sources.ts';

/**
 * Who may import whom: down only (design/00-overview). hub, agent and cli never import one another.
 * `tests` are the rooms that the tests of a room may reach besides, because they run real neighbours.
 */
const LAW: Record<string, readonly string[]> = {
  proto: [],
  process: ['proto'],
  git: ['process', 'proto'],
  render: ['git', 'process', 'proto'],
  rollouts: ['proto'],
  agent: ['render', 'git', 'process', 'proto'],
  hub: ['rollouts', 'render', 'git', 'process', 'proto'],
  cli: ['rollouts', 'render', 'git', 'process', 'proto'],
  sim: ['proto'],
  tools: [],
};
/** Inside a room: decisions do not reach for effects. */
const PURE = ['agent/core', 'hub/core', 'proto', 'rollouts'];
const EFFECTS = /^node:(fs|net|http|https|http2|child_process|timers|dgram|tls|worker_threads)/;
const ENVIRONMENT = /\bprocess\.env\b/;

type Import = { from: string; to: string };

function importsOf(file: string): Import[] {
  const text = readFileSync(join(repositoryRoot, file), 'utf8');
  const statements = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g,
  );
  return [...statements].map(([, statically, dynamically]) => ({
    from: file,
    to: resolve(file, (statically ?? dynamically)!),
  }));
}

function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : `package:${specifier}`;
}

const roomOf = (path: string) => path.split('/', 1)[0]!;
const isTest = (file: string) => /\.test\.ts$|(^|\/)testing\//.test(file);
const files = sourceFiles();

test('there are sources to judge', () => {
  assert.ok(files.length > 50, `only ${files.length} files`);
});

test('imports go down only, and hub, agent and cli never import one another', () => {
  const broken = files
    .filter((file) => Object.hasOwn(LAW, roomOf(file)) && !isTest(file))
    .flatMap(importsOf)
    .filter(
      ({ from, to }) =>
        to !== 'package.json' &&
        !to.startsWith('package:') &&
        roomOf(to) !== roomOf(from) &&
        !LAW[roomOf(from)]!.includes(roomOf(to)),
    )
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(broken, []);
});

test('no file imports itself by way of others, not even for a type', () => {
  const below = new Map(files.map((file) => [file, importsOf(file).map(({ to }) => to)] as const));
  const seen = new Map<string, 'open' | 'done'>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (seen.get(file) === 'done') return;
    if (seen.get(file) === 'open') {
      circles.push([...way.slice(way.indexOf(file)), file].join(' → '));
      return;
    }
    seen.set(file, 'open');
    for (const next of below.get(file) ?? []) visit(next, [...way, file]);
    seen.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(circles, []);
});

test('decisions are pure: core and proto import nothing that acts, and keep no clock', () => {
  const pure = files.filter((file) => PURE.some((folder) => file.startsWith(`${folder}/`)) && !isTest(file));
  assert.ok(pure.length > 20);
  const acting = pure
    .flatMap(importsOf)
    .filter(({ to }) => EFFECTS.test(to.replace('package:', '')))
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(acting, []);
  const promising = pure.filter((file) =>
    /\bnew Promise\b|\basync\b|\bawait\b|\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/.test(code(file)),
  );
  assert.deepEqual(promising, []);
});

test('the render engine reads nothing and runs nothing', () => {
  const engine = files.filter(
    (file) => (file === 'render/engine.ts' || file.startsWith('render/engine/')) && !isTest(file),
  );
  assert.ok(engine.length > 20);
  const acting = engine
    .flatMap(importsOf)
    .filter(({ to }) => EFFECTS.test(to.replace('package:', '')))
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(acting, []);
});

test('process.env is read in config.ts and main.ts only', () => {
  const outside = files
    .filter((file) => Object.hasOwn(LAW, roomOf(file)) && roomOf(file) !== 'tools' && !isTest(file))
    .filter((file) => !/(^|\/)(config|main)\.ts$/.test(file) && ENVIRONMENT.test(code(file)));
  assert.deepEqual(outside, []);
});

test('no file is longer than 450 lines', () => {
  const long = files.filter(
    (file) => readFileSync(join(repositoryRoot, file), 'utf8').split('\n').length > 450,
  );
  assert.deepEqual(long, []);
});

/** A file's text without comments. */
function code(file: string): string {
  return readFileSync(join(repositoryRoot, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '');
}
