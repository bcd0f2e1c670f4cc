import { displayName, type KubeObject, splitApiVersion } from './object.ts';
import { objectPolicy } from './object-policy.ts';

/** Words in which API servers refuse a change of something that can only be set once; all come with 422 Invalid. */
const IMMUTABLE = [
  /\bimmutable\b/i,
  /cannot change roleRef/,
  /updates to [\w. -]+ (for fields other than .{0,500} )?are forbidden/,
  /may not change once set/,
  /pod updates may not change fields other than/,
];

/** Deleting one takes with it what nobody can bring back: everything in it, the data, every object of the kind. */
const DESTRUCTIVE = new Set([
  '/Namespace',
  '/PersistentVolumeClaim',
  'apiextensions.k8s.io/CustomResourceDefinition',
]);

/** Whether the answer says that a field can never be changed; any other refusal, whatever its status, is none. */
export const isImmutable = (status: number, message: string): boolean =>
  status === 422 && IMMUTABLE.some((words) => words.test(message));

/** Whether Git asks for the object to be replaced where it cannot be changed; else what would have to be asked for. */
export function recreateVerdict(
  object: KubeObject,
): { allowed: true } | { allowed: false; needs: 'enabled' | 'destructive' } {
  const { recreate } = objectPolicy(object.metadata);
  const { group } = splitApiVersion(object.apiVersion);
  const needs = DESTRUCTIVE.has(`${group}/${object.kind}`) ? 'destructive' : 'enabled';
  const allowed = recreate === 'destructive' || recreate === needs;
  return allowed ? { allowed } : { allowed, needs };
}

/** What to say where it was not asked for. */
export const recreateHint = (object: KubeObject, needs: 'enabled' | 'destructive'): string =>
  `${displayName(object)} would have to be deleted and created again, which takes the annotation flotilla.dev/recreate: ${needs}`;
