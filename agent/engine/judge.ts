import { contentChanged } from '../core/baseline.ts';
import {
  type DriftRules,
  type Finding,
  findDrift,
  missingObject,
  type Suspects,
  suspectDrift,
} from '../core/drift.ts';
import { EMPTY, type FieldSet } from '../core/fieldset.ts';
import { ourFields } from '../core/managed-fields.ts';
import { type KubeObject, splitApiVersion } from '../core/object.ts';
import { isNotFound } from '../kube/errors.ts';
import type { Kube } from './ports.ts';
import { oursOf, type Tracked, target } from './tracked.ts';
import { payloadOf } from './writer.ts';

const NO_SUSPECTS: Suspects = { lost: new Map(), extra: new Map(), doubtful: false };

/** What one look at an object found. `live` undefined: it does not exist. */
export type Look = { live: KubeObject | undefined; findings: Finding[]; suspects: Suspects | undefined };

/**
 * Compares with the live object: by managedFields, and by a dry-run apply where those cannot be believed.
 * @throws KubeError; a dry-run that the server refuses is an error of this object, never "in sync"
 */
export async function look(
  kube: Kube,
  tracked: Tracked,
  live: KubeObject | undefined,
  rules: DriftRules,
  signal: AbortSignal,
): Promise<Look> {
  if (!live) return { live, findings: missingObject(tracked.object, rules), suspects: undefined };
  const ours = oursOf(tracked);
  const { managedFields } = live.metadata;
  const previous = tracked.prints && { suspects: tracked.suspects, prints: tracked.prints };
  const suspects = suspectDrift({ ours, desired: tracked.object, managedFields, previous, rules });
  if (!suspects) return { live, findings: [], suspects };
  if (!suspects.doubtful)
    return { live, suspects, findings: findDrift({ ours, desired: tracked.object, live, suspects, rules }) };
  const would = await dryRun(kube, tracked, live, rules, signal);
  const found = { ours: would.ours, desired: tracked.object, live, suspects, rules, would: would.object };
  return { live, suspects, findings: findDrift(found) };
}

/**
 * The comparison for an object whose last apply this process has not seen: M is what a dry-run would give us. Also says whether the
 * content is another than the one that was applied with this hash.
 */
export async function judge(
  kube: Kube,
  tracked: Tracked,
  fieldsHash: string,
  rules: DriftRules,
  signal: AbortSignal,
): Promise<Look & { ours: FieldSet; changed: boolean }> {
  const live = await kube.get(target(tracked), signal);
  if (!live) {
    const findings = missingObject(tracked.object, rules);
    const ours = await fieldsOfNew(kube, tracked, signal);
    return { live, findings, suspects: undefined, ours, changed: false };
  }
  const { ours, object: would } = await dryRun(kube, tracked, live, rules, signal);
  const { managedFields } = live.metadata;
  const desired = tracked.object;
  const suspects = suspectDrift({ ours, desired, managedFields, previous: undefined, rules }) ?? NO_SUSPECTS;
  const { group } = splitApiVersion(desired.apiVersion);
  return {
    live,
    ours,
    suspects,
    findings: findDrift({ ours, desired, live, suspects, rules, would }),
    changed: contentChanged({ fieldsHash, ours, group, would, live }),
  };
}

/** M of an object that does not exist; empty where it could not even be created now (its namespace may be gone too). */
async function fieldsOfNew(kube: Kube, tracked: Tracked, signal: AbortSignal): Promise<FieldSet> {
  try {
    const { object } = await kube.apply(target(tracked), tracked.object, signal, { dryRun: true });
    return ourFields(object.metadata.managedFields) ?? EMPTY;
  } catch (error) {
    if (isNotFound(error)) return EMPTY;
    throw error;
  }
}

async function dryRun(
  kube: Kube,
  tracked: Tracked,
  live: KubeObject,
  rules: DriftRules,
  signal: AbortSignal,
): Promise<{ object: KubeObject; ours: FieldSet }> {
  const payload = payloadOf(tracked, live.metadata, rules);
  const { object } = await kube.apply(target(tracked), payload, signal, { dryRun: true });
  return { object, ours: ourFields(object.metadata.managedFields) ?? EMPTY };
}
