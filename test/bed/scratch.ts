/** A directory for one test: removed at its end, and nothing of it may still run then. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertNoSurvivors } from './leaks.ts';

export type Scratch = AsyncDisposable & { readonly dir: string };

/** `await using scratch = await makeScratch('nats')`. Declare it before what runs in it: disposal goes backwards. */
export async function makeScratch(label: string): Promise<Scratch> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), `flotilla-${label}-`)));
  return {
    dir,
    async [Symbol.asyncDispose]() {
      await assertNoSurvivors(dir);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
