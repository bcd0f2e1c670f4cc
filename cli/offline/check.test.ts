import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeScratch } from '#test/bed/scratch.ts';
import { exampleRepository, flotilla, put } from './testing/example.ts';

test('both engines render the whole fleet, and what they make of it is compared', async () => {
  await using scratch = await makeScratch('check');
  const dir = await exampleRepository(scratch);
  const { code, stdout } = await flotilla(scratch, dir, 'render --check');
  assert.match(
    stdout,
    /^\d+ assignments render to the same, 0 are refused by both, 0 are not done .*, 0 differ\n$/,
  );
  assert.equal(code, 0);
  // The binary is given another program's place: what it prints is nobody's overlay.
  await put(dir, 'other', '#!/bin/sh\necho "{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}"\n');
  await chmod(join(dir, 'other'), 0o755);
  const other = await flotilla(scratch, dir, 'render --check', { FLOTILLA_KUSTOMIZE: `${dir}/other` });
  assert.match(other.stdout, /^\w+ on [\w-]+ \(apps\/.*\): native renders .*; kustomize ConfigMap.*other/);
  assert.equal(other.code, 1);
});
