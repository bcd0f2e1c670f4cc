import { type FaultCode, toFault } from '#proto/faults.ts';
import type { Action, DriftState, FieldDrift } from '#proto/messages.ts';
import type { HolderPrints, Suspects } from '../core/drift.ts';
import { EMPTY, type FieldSet, formatFields, parseFields } from '../core/fieldset.ts';
import { type FightState, PEACE } from '../core/fight.ts';
import { type Health, unassessed } from '../core/health-words.ts';
import { contentHash, displayName, type KubeObject, objectId } from '../core/object.ts';
import { type Target, targetOf } from '../kube/client.ts';
import type { Resource } from '../kube/discovery.ts';

/** What our last apply of an object left behind. */
export type Applied = {
  /** fieldsV1 of our entry as text: M. */
  ours: string;
  /** Of the content that was applied. */
  hash: string;
  uid: string;
  resourceVersion: string;
};

export type ObjectError = { code: FaultCode; message: string };

/** One object that a placement wants, with everything known of it. Changed only by the engine's workers, one at a time per object. */
export type Tracked = {
  readonly id: string;
  readonly placement: string;
  /** Prepared and scoped; what an apply sends (but for fields handed to others). */
  object: KubeObject;
  hash: string;
  resource: Resource;
  applied: Applied | undefined;
  /** Hash of the content with which a Job ran to its end. */
  finished: string | undefined;
  action: Action | undefined;
  error: ObjectError | undefined;
  /** From whom fields were taken over at first contact. */
  takenFrom: readonly string[];
  /** The last write deleted it and created it anew, or under observe would. */
  recreated: boolean;
  health: Health;
  drift: DriftState;
  drifts: FieldDrift[];
  /** What managedFields said at the last event; `print` changes with everything that could change the values. */
  suspects: Suspects | undefined;
  print: string;
  prints: HolderPrints | undefined;
  fight: FightState;
  /** When a foreign write was last seen, ms. */
  foreignAt: number;
  /** How often in a row health was looked at while it was not Current. */
  restless: number;
  /** Since when it is not Current though its controller has seen it, ms; 0 when it is. */
  unwellSince: number;
  /** Failed corrections in a row. */
  failures: number;
};

export function track(placement: string, object: KubeObject, resource: Resource): Tracked {
  return {
    id: objectId(object),
    placement,
    object,
    hash: contentHash(object),
    resource,
    applied: undefined,
    finished: undefined,
    action: undefined,
    error: undefined,
    takenFrom: [],
    recreated: false,
    health: { ...unassessed(), health: 'UNKNOWN' },
    drift: 'UNKNOWN',
    drifts: [],
    suspects: undefined,
    print: '',
    prints: undefined,
    fight: PEACE,
    foreignAt: 0,
    restless: 0,
    unwellSince: 0,
    failures: 0,
  };
}

/** The record goes on with new content: what was applied stays known, a fight is over. */
export function setContent(tracked: Tracked, object: KubeObject, resource: Resource): void {
  const hash = contentHash(object);
  if (hash !== tracked.hash) {
    tracked.fight = PEACE;
    tracked.failures = 0;
  }
  tracked.object = object;
  tracked.hash = hash;
  tracked.resource = resource;
}

export const oursOf = (tracked: Tracked): FieldSet =>
  tracked.applied ? parseFields(JSON.parse(tracked.applied.ours)) : EMPTY;

export const fieldsText = (fields: FieldSet): string => JSON.stringify(formatFields(fields));

export const target = (tracked: Tracked): Target => targetOf(tracked.resource, tracked.object);

export const titleOf = (tracked: Tracked): string => displayName(tracked.object);

export function errorOf(error: unknown): ObjectError {
  const { code, message } = toFault(error);
  return { code, message };
}
