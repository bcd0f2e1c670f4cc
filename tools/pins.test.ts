import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ALL_TOOLS, PINS } from './pins.ts';

test('every release comes over TLS and has something to be verified by', () => {
  for (const name of ALL_TOOLS) {
    for (const release of Object.values(PINS[name].releases)) {
      assert.match(release.url, /^https:\/\//);
      assert.ok(release.url.includes(PINS[name].version), `${release.url} is not of ${PINS[name].version}`);
      if ('sha256' in release) assert.match(release.sha256, /^[0-9a-f]{64}$/);
      else assert.match(release.sums, /^https:\/\//);
    }
  }
});

test('the modules below tools/go lock the versions that are pinned', async () => {
  for (const name of ALL_TOOLS) {
    const { go, version } = PINS[name];
    if (go.module === undefined) continue;
    const module = await readFile(join(import.meta.dirname, 'go', go.module, 'go.mod'), 'utf8');
    const required = go.module === 'kubernetes' ? 'k8s.io/kubernetes' : go.package;
    assert.ok(
      module.includes(`${required} v${version}`),
      `${name}: go.mod has another version of ${required}`,
    );
    assert.ok(module.includes(go.package), `${name}: go.mod has no tool line for ${go.package}`);
  }
});
