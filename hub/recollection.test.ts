import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import type { AuditQuestion, AuditReader, AuditRow } from './core/audit-reader.ts';
import { recollect } from './recollection.ts';

const never = new AbortController().signal;
const nobody = async () => [];

/** Rows 1 to `count`, one a second; pages as the hub's own are. */
function auditOf(count: number) {
  const asked: AuditQuestion[] = [];
  const reader: AuditReader = {
    history: nobody,
    async audit(question) {
      asked.push(question);
      const { first, before = count + 1, since = 0 } = question;
      const rows: AuditRow[] = [];
      for (let at = before - 1; at > 0 && at * 1_000 >= since && rows.length < first; at--)
        rows.push({ id: `${at}`, at: at * 1_000, kind: 'rollout', action: 'stagePassed', sequence: at });
      const last = rows.at(-1)?.sequence ?? 1;
      return { rows, next: rows.length === first && last > 1 ? last : undefined };
    },
  };
  return { reader, asked };
}

async function read(reader: AuditReader, toldAt = 0) {
  const told: number[] = [];
  const warned: string[] = [];
  const recollected = (rows: readonly AuditRow[]) => void told.push(...rows.map(({ sequence }) => sequence));
  await recollect(reader, { toldAt, recollect: recollected }, (message) => warned.push(message), never);
  return { told, warned };
}

test('what was done before is told from the oldest on, page by page, and not without end', async () => {
  assert.deepEqual(
    (await read(auditOf(250).reader)).told,
    Array.from({ length: 250 }, (_, at) => at + 1),
  );
  const { told } = await read(auditOf(10_000).reader);
  assert.deepEqual([told.length, told.at(-1)], [3_000, 10_000]);
});

test('a hub that has told something itself is told only what is newer', async () => {
  const { reader, asked } = auditOf(250);
  assert.deepEqual((await read(reader, 247_000)).told, [248, 249, 250]);
  assert.equal(asked[0]?.since, 247_001);
});

test('an audit that cannot be read holds up nobody, and is told', async () => {
  const reader: AuditReader = {
    history: nobody,
    audit: () => Promise.reject(new FlotillaError('store-failed', 'AUDIT cannot be read')),
  };
  const { told, warned } = await read(reader);
  assert.deepEqual(
    [told, warned],
    [[], ['the history of rollouts is not read back from the audit: AUDIT cannot be read']],
  );
});
