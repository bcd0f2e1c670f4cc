/** `npm run build`: the programs as bundles that need Node and nothing else: dist/agent.mjs, dist/hub.mjs, dist/flotilla.mjs. */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { leftOut } from './left-out.ts';

const root = join(import.meta.dirname, '..');

/** CommonJS parts of the bundle look for these. */
const BANNER = `import { createRequire as $createRequire } from 'node:module';
import { fileURLToPath as $fileURLToPath } from 'node:url';
const require = $createRequire(import.meta.url);
const __filename = $fileURLToPath(import.meta.url);
const __dirname = $fileURLToPath(new URL('.', import.meta.url));`;

/** Builds into `dist`; a program is there under its name and `.mjs`. */
export async function bundle(dist: string): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: { agent: 'agent/main.ts', hub: 'hub/main.ts', flotilla: 'cli/main.ts' },
    outdir: dist,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    banner: { js: BANNER },
    plugins: [...leftOut],
    logLevel: 'warning',
  });
  copyFileSync(join(root, 'hub/api/schema.graphql'), join(dist, 'schema.graphql'));
}

if (import.meta.main) await bundle(join(root, 'dist'));
