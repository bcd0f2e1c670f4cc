import type { KubeObject, ObjectMeta } from './object.ts';

/** What annotations of one object ask for; Flux's and Argo CD's words are honoured as aliases. Values are case-insensitive. */
export type ObjectPolicy = {
  /** `merge`: nothing is taken over from kubectl. `if-not-present`: written once. `ignore`: never written. */
  apply: 'override' | 'merge' | 'if-not-present' | 'ignore';
  prune: boolean;
  /** False on the *live* object: a person has paused it. */
  reconcile: boolean;
  /** What an immutable field may cost: nothing, the object, or also a Namespace, claim or CRD with all that hangs on it. */
  recreate: 'never' | 'enabled' | 'destructive';
};

const FLUX = 'kustomize.toolkit.fluxcd.io';

export function objectPolicy(meta: Pick<ObjectMeta, 'annotations' | 'labels'> | undefined): ObjectPolicy {
  const says = (key: string): string => (meta?.annotations?.[key] ?? meta?.labels?.[key] ?? '').toLowerCase();
  const ours = says('flotilla.dev/apply');
  const flux = says(`${FLUX}/ssa`);
  const argo = meta?.annotations?.['argocd.argoproj.io/sync-options']?.toLowerCase().split(/\s*,\s*/) ?? [];
  const recreate = says('flotilla.dev/recreate');
  const ignored = ours === 'ignore' || flux === 'ignore';
  const once = ours === 'if-not-present' || flux === 'ifnotpresent';
  const merged = ours === 'merge' || flux === 'merge';
  return {
    apply: ignored ? 'ignore' : once ? 'if-not-present' : merged ? 'merge' : 'override',
    prune:
      says('flotilla.dev/prune') !== 'disabled' &&
      says(`${FLUX}/prune`) !== 'disabled' &&
      !argo.includes('prune=false'),
    reconcile: says('flotilla.dev/reconcile') !== 'disabled' && says(`${FLUX}/reconcile`) !== 'disabled',
    recreate:
      recreate === 'destructive'
        ? 'destructive'
        : recreate === 'enabled' || says(`${FLUX}/force`) === 'enabled'
          ? 'enabled'
          : 'never',
  };
}

/** Whether the content or a person asks to leave the object alone. */
export function isPaused(desired: KubeObject, live: ObjectMeta | undefined): boolean {
  return !objectPolicy(desired.metadata).reconcile || !objectPolicy(live).reconcile;
}
