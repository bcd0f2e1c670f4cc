import type { JsonObject } from '../json.ts';
import { clone, isObject, stringAt } from '../json.ts';
import { compareTyped } from './compare.ts';
import type { FieldSet } from './field-set.ts';
import { toFieldSet } from './typed.ts';
import type { WriteContext } from './write-context.ts';

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The fields kubectl's client-side apply set and nobody changed since: `kubectl apply --server-side` may take them
 * without a conflict (lastappliedmanager.go). Undefined when the annotation is missing or cannot be read.
 */
export function allowedByLastApplied(
  live: JsonObject,
  context: Pick<WriteContext, 'types' | 'apiVersion'>,
): FieldSet | undefined {
  const text = stringAt(live, 'metadata', 'annotations', LAST_APPLIED);
  const type = context.types.typeAt(context.apiVersion);
  if (!text || !type) return undefined;
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const config = applied as JsonObject;
  if (!isObject(config) || config.apiVersion !== context.apiVersion) return undefined;
  const { added, modified, removed } = compareTyped(config, live, type);
  return toFieldSet(config, type).difference(modified).difference(added).difference(removed);
}

/** The annotation's value for a configuration: the configuration itself without the annotation. */
export function lastAppliedOf(config: JsonObject): string {
  const copy = clone(config);
  const annotations = isObject(copy.metadata) ? copy.metadata.annotations : undefined;
  if (isObject(annotations)) delete annotations[LAST_APPLIED];
  return `${JSON.stringify(copy)}\n`;
}
