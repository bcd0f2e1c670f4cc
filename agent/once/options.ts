import { parseArgs } from 'node:util';
import { z } from 'zod';
import { DRIFT_MODES, dnsLabel, duration, milliseconds } from '#proto/documents/common.ts';
import { FlotillaError } from '#proto/faults.ts';
import { namespaces } from '../config.ts';

export type OnceOptions = {
  /** The overlay. */
  path: string;
  /** A name, or a file that holds a Placement. */
  placement: string;
  /** A file that holds a Cluster. */
  cluster: string | undefined;
  kubeconfig: string | undefined;
  context: string | undefined;
  /** Undefined: as the placement says. */
  mode: 'correct' | 'report' | undefined;
  dryRun: boolean;
  /** How long to wait until everything is Current. */
  waitMs: number;
  output: 'json' | 'text';
  /** Where inventory and Lease live. */
  namespace: string;
  /** The only ones that the overlay may have objects in; undefined: the whole cluster. */
  namespaces: readonly string[] | undefined;
  kustomize: string | undefined;
  helm: string | undefined;
};

const SCHEMA = z.object({
  path: z.string({ error: 'is missing: the directory of the overlay' }).min(1, 'is empty'),
  placement: z.string({ error: 'is missing: a name or a file' }).min(1, 'is empty'),
  cluster: z.string().min(1, 'is empty').optional(),
  kubeconfig: z.string().min(1, 'is empty').optional(),
  context: z.string().min(1, 'is empty').optional(),
  mode: z.enum(DRIFT_MODES, `takes ${DRIFT_MODES.join(' or ')}`).optional(),
  'dry-run': z.boolean().default(false),
  wait: duration.default('60s').transform(milliseconds),
  output: z.enum(['json', 'text'], 'takes json or text').default('text'),
  namespace: dnsLabel.default('flotilla-system'),
  namespaces: namespaces.optional(),
  kustomize: z.string().min(1, 'is empty').optional(),
  helm: z.string().min(1, 'is empty').optional(),
});

const text = { type: 'string' } as const;
const FLAGS = {
  path: text,
  placement: text,
  cluster: text,
  kubeconfig: text,
  context: text,
  mode: text,
  'dry-run': { type: 'boolean' },
  wait: text,
  output: { type: 'string', short: 'o' },
  namespace: text,
  namespaces: text,
  kustomize: text,
  helm: text,
} as const;

/** @throws FlotillaError usage naming every flag that is wrong */
export function readOnce(argv: readonly string[], env: NodeJS.ProcessEnv): OnceOptions {
  const { 'dry-run': dryRun, wait, kustomize, helm, ...rest } = parse(argv);
  return {
    ...rest,
    dryRun,
    waitMs: wait,
    cluster: rest.cluster,
    namespaces: rest.namespaces,
    kubeconfig: rest.kubeconfig,
    context: rest.context,
    mode: rest.mode,
    kustomize: kustomize ?? (env.FLOTILLA_KUSTOMIZE || undefined),
    helm: helm ?? (env.FLOTILLA_HELM || undefined),
  };
}

function parse(argv: readonly string[]): z.infer<typeof SCHEMA> {
  let given: unknown;
  try {
    given = parseArgs({ args: [...argv], options: FLAGS, strict: true }).values;
  } catch (cause) {
    throw new FlotillaError('usage', (cause as Error).message, { cause });
  }
  const read = SCHEMA.safeParse(given);
  if (read.success) return read.data;
  const wrong = read.error.issues.map(({ path, message }) => `--${path.join('.')} ${message}`);
  throw new FlotillaError('usage', wrong.join('\n'));
}
