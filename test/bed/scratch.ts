/** A directory for one test: removed at its end; nothing of it may still run then, and no Secret may have been written into it. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertNoSurvivors } from './leaks.ts';
import { refusePlantedFiles } from './planted.ts';

export type Scratch = AsyncDisposable & { readonly dir: string };

/** `await using scratch = await makeScratch('nats')`. Declare it before what runs in it: disposal goes backwards. */
export async function makeScratch(label: string): Promise<Scratch> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), `flotilla-${label}-`)));
  return {
    dir,
    async [Symbol.asyncDispose]() {
      await assertNoSurvivors(dir);
      try {
        await refusePlantedFiles(dir);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    },
  };
}
