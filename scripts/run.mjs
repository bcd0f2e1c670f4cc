// The door of every npm script: brings a fresh clone to where TypeScript sources run, then runs one.
//
//   node scripts/run.mjs [--quiet] FILE.ts [ARGS…]
//
// Plain JavaScript without dependencies, because it starts before any is installed. It must work on Node 20.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const quiet = args[0] === '--quiet';
if (quiet) args.shift();
const entry = args.shift();
const say = (text) => process.stderr.write(`${text}\n`);

if (!entry) {
  say('usage: node scripts/run.mjs [--quiet] FILE.ts [ARGS…]');
  process.exit(64);
}
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) {
  say(`flotilla: Node ${process.versions.node} is too old to start with; install Node 20 or newer`);
  process.exit(78);
}

const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
installDependencies();
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, entry), ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ''}` },
});
// A terminal sends Ctrl-C to the whole group: the child ends by itself and this process waits for it.
// A signal sent to this process alone is handed on.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => {
  if (![process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)) child.kill('SIGINT');
});
child.on('error', (error) => {
  say(`flotilla: cannot start ${node}: ${error.message}`);
  process.exit(70);
});
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal === 'SIGKILL' ? 'SIGTERM' : signal);
  process.exit(code ?? 1);
});

/** Runs `npm ci` when node_modules does not match package-lock.json; a second start costs one hash. */
function installDependencies() {
  const stamp = join(root, 'node_modules', '.flotilla-installed');
  const want = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === want) return;
  if (!quiet) say('flotilla: installing dependencies (npm ci), about 20 s …');
  const started = Date.now();
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', quiet ? 'ignore' : 2, 2],
  });
  if (npm.error || npm.status !== 0) {
    say(
      `flotilla: npm ci failed${npm.error ? `: ${npm.error.message}` : ''}; it needs the npm registry once. Nothing else was changed.`,
    );
    process.exit(69);
  }
  // npm may have been told not to run install scripts; this one only fetches the pinned Node from the registry.
  if (!existsSync(node)) {
    spawnSync(process.execPath, ['installArchSpecificPackage'], {
      cwd: join(root, 'node_modules', 'node'),
      stdio: 'ignore',
    });
  }
  writeFileSync(stamp, want);
  if (!quiet) say(`flotilla: dependencies ready after ${((Date.now() - started) / 1000).toFixed(0)} s`);
}
