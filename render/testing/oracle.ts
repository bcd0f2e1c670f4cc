import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { obtainTools } from '#tools/obtain.ts';
import { type Json, readYaml } from '../yaml/read.ts';

/** What the pinned kustomize makes of some files: objects and text, or why it refuses. */
export type Told = { objects: Json[]; text: string; refused?: never } | { refused: string };

/** The pinned kustomize as the judge of how overlays render. */
export async function openOracle(): Promise<
  (files: Readonly<Record<string, string | Uint8Array>>, root?: string) => Promise<Told>
> {
  const { kustomize } = await obtainTools(['kustomize']);
  return async (files, root = '.') => {
    const directory = await mkdtemp(join(tmpdir(), 'flotilla-oracle-'));
    try {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(directory, path)), { recursive: true });
        await writeFile(join(directory, path), content);
      }
      return await build(kustomize, join(directory, root));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  };
}

function build(kustomize: string, directory: string): Promise<Told> {
  const options = { maxBuffer: 64 << 20, env: {}, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile(kustomize, ['build', '--reorder=none', directory], options, (error, stdout, stderr) => {
      if (error) resolve({ refused: stderr.replaceAll(directory, '') || error.message });
      else resolve({ objects: readYaml(stdout).map(({ value }) => value), text: stdout });
    });
  });
}
