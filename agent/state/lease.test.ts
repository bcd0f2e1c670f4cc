import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { KubeError } from '../kube/errors.ts';
import { Lease } from './lease.ts';

const signal = AbortSignal.timeout(60_000);

test('who cannot renew lets go in time, also where the clock of the machine is set back meanwhile', async (t) => {
  const failing = async () => {
    throw new KubeError('kube-unreachable', 'nobody answers', { status: 0, reason: '' });
  };
  const objects = {
    namespace: 'flotilla-system',
    get: async () => undefined,
    create: async () => ({ apiVersion: 'v1', kind: 'Lease', metadata: { name: 'flotilla-agent' } }),
    replace: failing,
  };
  const log = pino({ level: 'silent' });
  const lease = new Lease(objects, { identity: 'one', leaseMs: 300, log });
  await lease.acquire(signal);
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  const kept = lease.keep(signal);
  t.mock.timers.setTime(0);
  await assert.rejects(kept, /was not renewed for \d+ s: nothing is written/);
});
