import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from './connection.ts';

test('where no kubeconfig is found anywhere that is said, and nothing is asked of localhost:8080', () => {
  const home = mkdtempSync(join(tmpdir(), 'flotilla-home-'));
  const before = { HOME: process.env.HOME, KUBECONFIG: process.env.KUBECONFIG };
  try {
    process.env.HOME = home;
    delete process.env.KUBECONFIG;
    assert.throws(() => connect({}), {
      code: 'config-invalid',
      message: /^kubeconfig cannot be read: none is named, and there is neither KUBECONFIG nor/,
    });
  } finally {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    rmSync(home, { recursive: true });
  }
});
