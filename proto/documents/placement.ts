import { z } from 'zod';
import { selector } from '../selector.ts';
import {
  API_VERSION,
  approval,
  DRIFT_MODES,
  dnsLabel,
  durationUpTo,
  ignoreRule,
  metadata,
  milliseconds,
  oneDeletion,
  valueName,
  values,
  variablePath,
} from './common.ts';
import { requireSignedCommits } from './fleet.ts';

/** Accounts there belong to controllers of Kubernetes, which may do nearly everything. */
const KUBERNETES_OWN = /^kube-/;
const accountName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'not a name (a-z, 0-9, - and .)',
  );

export type ServiceAccount = { namespace: string; name: string };
type NamedAccount = string | { namespace?: string | undefined; name: string };

/** The account that a placement names; `namespace` is the placement's. Undefined where it names none, or nobody says in which namespace. */
export function accountOf(
  account: NamedAccount | undefined,
  namespace: string | undefined,
): ServiceAccount | undefined {
  if (account === undefined) return undefined;
  const named = typeof account === 'string' ? { name: account, namespace } : account;
  const where = named.namespace ?? namespace;
  return where === undefined ? undefined : { namespace: where, name: named.name };
}

/** `placements/**` `/*.yaml`: which clusters get which overlay, and how. */
export const placement = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Placement'),
    metadata,
    spec: z.strictObject({
      owner: z.string().describe('Who is called when it fails.').optional(),
      runbook: z.string().describe('URL of what to do then.').optional(),
      selector: selector.describe('Clusters that get it; {} is all.'),
      expect: z
        .strictObject({
          minClusters: z.int().nonnegative().describe('Selecting fewer is an error.').optional(),
        })
        .optional(),
      path: variablePath.describe('Overlay directory; {name} and {label} stand for what a cluster has.'),
      components: z
        .array(z.strictObject({ path: variablePath, selector: selector.optional() }))
        .describe('kustomize components added on the clusters selected, in order.')
        .optional(),
      namespace: dnsLabel.describe('Namespace of all namespaced objects, as in kustomize.').optional(),
      createNamespace: z.boolean().describe('Adds the Namespace object. Default: false.').optional(),
      values: z
        .strictObject({
          required: z.array(valueName).describe('Names that every cluster must have a value for.').optional(),
          optional: values.describe('Names with their defaults.').optional(),
        })
        .describe('The ${names} that are substituted; no other is.')
        .optional(),
      dependsOn: z
        .array(dnsLabel)
        .describe('Placements that must be Current on a cluster before this one starts there.')
        .optional(),
      apply: z
        .enum(['independent', 'atomic'])
        .describe('atomic: everything is dry-run before anything is written. Default: independent.')
        .optional(),
      prune: z
        .boolean()
        .describe('Remove what is no longer rendered. Default: of the fleet, else true.')
        .optional(),
      adopt: z
        .array(z.enum(['flux', 'argo', 'helm']))
        .describe('Tools whose objects may be taken over; of others they are a conflict.')
        .optional(),
      allow: z
        .strictObject({
          namespaces: z.array(z.string()).describe('Namespaces that it may write to; * is any.').optional(),
          clusterScoped: z
            .array(z.string())
            .describe('Kinds without namespace that it may write; * is any.')
            .optional(),
        })
        .describe('Tenancy: outside of it is an error.')
        .optional(),
      drift: z
        .strictObject({
          mode: z.enum(DRIFT_MODES).describe('Default: of the fleet, else correct.').optional(),
          extras: z
            .enum(['report', 'remove'])
            .describe('Fields that others added. Default: report.')
            .optional(),
          ignore: z.array(ignoreRule).optional(),
        })
        .optional(),
      health: z
        .strictObject({
          timeout: durationUpTo('7d')
            .refine((text) => milliseconds(text) > 0, 'everything would have failed at once')
            .describe('Still in progress after it is a failure. Default: 5m, at most 7d.')
            .optional(),
          requireAddress: z
            .boolean()
            .describe('Load balancers and ingresses must have an address. Default: false.')
            .optional(),
        })
        .optional(),
      serviceAccount: z
        .union([accountName, z.strictObject({ namespace: dnsLabel.optional(), name: accountName })], {
          error: 'takes a name, or namespace and name',
        })
        .describe(
          'Service account as which the agent writes: its name, or namespace and name. Default namespace: the one of the placement.',
        )
        .optional(),
      trust: z.strictObject({ requireSignedCommits }).optional(),
      strategy: dnsLabel
        .describe('Rollout strategy. Default: of the fleet, else all clusters at once.')
        .optional(),
      approvals: z
        .array(approval.omit({ placement: true }).refine(...oneDeletion))
        .describe('Lets go deletions that are held; `flotilla approve` writes them.')
        .optional(),
    }),
  })
  .superRefine(({ spec }, context) => {
    if (spec.serviceAccount === undefined) return;
    const account = accountOf(spec.serviceAccount, spec.namespace);
    const message =
      account === undefined
        ? 'names no namespace, and the placement has none either'
        : `${account.namespace}/${account.name} is not for placements: accounts in kube-* are those of Kubernetes`;
    if (account === undefined || KUBERNETES_OWN.test(account.namespace))
      context.addIssue({ code: 'custom', path: ['spec', 'serviceAccount'], message });
  })
  .describe('Which clusters get which overlay, and how.');
export type Placement = z.infer<typeof placement>;
