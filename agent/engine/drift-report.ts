import { LIMITS } from '#proto/limits.ts';
import type { DriftState, FieldDrift } from '#proto/messages.ts';
import type { Finding } from '../core/drift.ts';
import { type Tracked, titleOf } from './tracked.ts';

/** Most drifts kept per object; one object with more is broken anyway. */
const MOST = 100;

const iso = (ms: number): string => new Date(ms).toISOString();
const keyOf = (drift: Pick<FieldDrift, 'kind' | 'path'>): string => `${drift.kind} ${drift.path}`;

/**
 * The findings as they are told: `firstSeen` goes on from what was told before, and so does `changedAt` while value and manager are
 * the same, since an entry's time moves with every other field that its manager writes. An entry without a time (scale) gets the
 * time of the event, which is an upper bound too.
 */
export function toFieldDrifts(tracked: Tracked, findings: readonly Finding[], now: number): FieldDrift[] {
  const before = new Map(tracked.drifts.map((drift) => [keyOf(drift), drift]));
  return findings.slice(0, MOST).map((finding): FieldDrift => {
    const { kind, actor } = finding;
    const path = finding.pointer.slice(0, 2_000);
    const known = before.get(keyOf({ kind, path }));
    const live = fieldValue('live', finding.live);
    const manager = actor?.manager ?? null;
    const same = known && !finding.redacted && known.manager === manager && isEqual(known.live, live.live);
    const time = actor ? (actor.time ?? iso(tracked.foreignAt || now)) : null;
    return {
      id: tracked.id,
      apiVersion: tracked.object.apiVersion,
      kind,
      path,
      ...fieldValue('desired', finding.desired),
      ...live,
      manager,
      operation: actor?.operation ?? null,
      ...(actor?.subresource !== undefined && { subresource: actor.subresource }),
      changedAt: same ? known.changedAt : time === null ? null : iso(Date.parse(time)),
      firstSeen: known?.firstSeen ?? iso(now),
      redacted: finding.redacted,
      healable: finding.healable,
      fight: known?.fight ?? false,
    };
  });
}

const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Left out where there is none or where it is longer than a message carries. */
function fieldValue(name: 'desired' | 'live', value: unknown): { desired?: never; live?: never } {
  if (value === undefined) return {};
  const text = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each));
  return text.length > LIMITS.value ? {} : { [name]: JSON.parse(text) };
}

/** Drifts of `after` that `before` does not have with the same value, and the other way round. */
export function compareDrifts(
  before: readonly FieldDrift[],
  after: readonly FieldDrift[],
): { appeared: FieldDrift[]; vanished: FieldDrift[] } {
  const text = (drift: FieldDrift) =>
    JSON.stringify([drift.kind, drift.path, drift.live, drift.manager, drift.changedAt]);
  const had = new Set(before.map(text));
  const has = new Set(after.map(keyOf));
  return {
    appeared: after.filter((drift) => !had.has(text(drift))),
    vanished: before.filter((drift) => !has.has(keyOf(drift))),
  };
}

export const driftStateOf = (drifts: readonly FieldDrift[]): DriftState =>
  drifts.length > 0 ? 'DRIFTED' : 'NONE';

/** One line for people: what, where, by whom. Values only where they are not redacted. */
export function describeDrift(tracked: Tracked, drift: FieldDrift): string {
  const who = drift.manager ? ` by ${drift.manager}` : '';
  const where = drift.path === '' ? titleOf(tracked) : `${titleOf(tracked)} ${drift.path}`;
  switch (drift.kind) {
    case 'MISSING':
      return `${where} was removed${who}`;
    case 'EXTRA':
      return `${where} was added${who}`;
    case 'CHANGED':
      return drift.redacted || drift.live === undefined
        ? `${where} was changed${who}`
        : `${where} was changed${who} from ${JSON.stringify(drift.desired)} to ${JSON.stringify(drift.live)}`;
  }
}
