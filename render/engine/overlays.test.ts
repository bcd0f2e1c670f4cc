import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import { readClosure } from '../closure.ts';
import { openEngine } from '../engine.ts';
import { openOracle } from '../testing/oracle.ts';
import type { Json } from '../yaml/read.ts';
import { type Overlay, readOverlays } from './testing/overlays.ts';

const { signal } = new AbortController();
const engine = openEngine();
const ask = await openOracle();

async function render({ files, root }: Overlay): Promise<Json[]> {
  const store = new MemoryObjects();
  const bytes = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const);
  const closure = await readClosure(store, store.snapshot(Object.fromEntries(bytes)), root, {}, signal);
  return engine.render({ ...closure, components: [] }, signal);
}

describe('small overlays, rendered in the process as by the pinned kustomize', { concurrency: 2 }, () => {
  for (const overlay of readOverlays()) {
    test(overlay.name, async () => {
      const told = await ask(overlay.files, overlay.root);
      if (told.refused === undefined) {
        assert.deepEqual(await render(overlay), told.objects);
        return;
      }
      await assert.rejects(render(overlay), (error) => {
        assert.ok(error instanceof FlotillaError, String(error));
        assert.match(error.code, /^(closure-(invalid|refused)|render-failed)$/, error.message);
        return true;
      });
    });
  }
});
