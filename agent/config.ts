import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MARK_POINT, type MarkOptions } from '#process/markers.ts';
import { readSettings, type Setting } from '#process/settings.ts';
import { dnsLabel, durationUpTo, milliseconds } from '#proto/documents/common.ts';
import { FlotillaError } from '#proto/faults.ts';
import { nkeyRole } from '#proto/nkey.ts';

/**
 * Everything an agent is told from outside, read once. Flags win over FLOTILLA_* variables. Durations are milliseconds.
 * What is pinned here (Git URL, branch, hub keys) is the first trust of the agent: no message can change it.
 */
export type AgentConfig = {
  cluster: string;
  /** Where to bootstrap, in order. */
  hubUrls: readonly string[];
  /** The first is trusted for the tip of the branch; the others only serve objects. */
  gitUrls: readonly string[];
  branch: string;
  gitCredentialsFile: string | undefined;
  gitCaFile: string | undefined;
  /** Public keys that may sign desired documents until the fleet repo says otherwise. */
  hubKeys: readonly string[];
  seedFile: string;
  /** Undefined: kubectl's default file, or the service account of the pod. */
  kubeconfig: string | undefined;
  context: string | undefined;
  /** Where state, Lease and status of the agent live. */
  namespace: string;
  /** The only ones that placements may have objects in; undefined: the whole cluster. */
  namespaces: readonly string[] | undefined;
  dataDir: string;
  kustomize: string | undefined;
  helm: string | undefined;
  /** Where programs are looked for that no flag names. */
  path: string;
  acceptedRewrite: string | undefined;
  logLevel: LogLevel;
  /** Names this process in the Lease; undefined: made once and kept in the data directory. */
  identity: string | undefined;
  intervals: Intervals;
  /** For tests only: where to write the names of the steps passed, and where to die or halt. */
  markers: MarkOptions;
};

export type Intervals = {
  heartbeatMs: number;
  helloMs: number;
  tipMs: number;
  fullPassMs: number;
  /** How long a Lease lasts without renewal; it is renewed three times as often. */
  leaseMs: number;
  /** Upper bound of the first retry of anything; later ones grow up to `retryMostMs`. */
  retryMs: number;
  retryMostMs: number;
  /** Upper bound of the random wait before NATS is dialled again. */
  reconnectMs: number;
};

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const url = z.url({ protocol: /^https?$/, error: 'not an http or https URL' });
const urls = z
  .string()
  .transform((list) => list.split(',').map((one) => one.trim()))
  .pipe(z.array(url).min(1));
/** Timers keep less than 25 days. */
const span = durationUpTo('1d')
  .transform(milliseconds)
  .refine((ms) => ms > 0, { error: 'must be longer than nothing' });
const keys = z
  .string()
  .transform((list) => list.split(',').map((one) => one.trim()))
  .pipe(
    z.array(
      z.string().refine((key) => nkeyRole(key) === 'server', {
        error: 'not a public key of a hub (it starts with N; a seed SN… is secret)',
      }),
    ),
  );
/** Names of namespaces, with commas. */
export const namespaces = z
  .string()
  .transform((list) => list.split(',').map((one) => one.trim()))
  .pipe(z.array(dnsLabel).min(1));
const oid = z.string().regex(/^[0-9a-f]{40}$/, 'not a full commit id');

type Option = Setting & { help: string; hidden?: boolean };

/** Flag → option. The variable is FLOTILLA_ and the flag in capitals. */
const OPTIONS = {
  cluster: { schema: dnsLabel, help: 'name of the cluster, as in clusters/<name>.yaml' },
  hub: { schema: urls, help: 'URL of the hub; several with commas' },
  'hub-keys': { schema: keys, help: 'public keys of the hub (N…), with commas' },
  git: { schema: urls, help: 'URL of the fleet repo; after a comma, mirrors that serve objects only' },
  branch: { schema: z.string().min(1), fallback: 'main', help: 'the only branch that is followed' },
  'git-credentials': {
    schema: z.string().min(1),
    help: 'file with user:password or a token; read again when it changes',
  },
  'git-ca': {
    schema: z.string().min(1),
    help: 'PEM file with the certificate authorities of the Git server',
  },
  data: {
    schema: z.string().min(1),
    fallback: './flotilla-agent',
    help: 'directory for seed and Git objects',
  },
  seed: { schema: z.string().min(1), help: 'file with the secret seed (default: agent.seed in --data)' },
  kubeconfig: {
    schema: z.string().min(1),
    help: 'kubeconfig file (default: KUBECONFIG, then ~/.kube/config, then the pod)',
  },
  context: { schema: z.string().min(1), help: 'context of the kubeconfig' },
  namespace: { schema: dnsLabel, fallback: 'flotilla-system', help: 'namespace of the agent’s own objects' },
  namespaces: {
    schema: namespaces,
    help: 'confines the agent to these, with commas (deploy/agent/namespaced; default: the whole cluster)',
  },
  kustomize: {
    schema: z.string().min(1),
    help: 'path of the pinned kustomize, where render.fallback in flotilla.yaml asks for it',
  },
  helm: { schema: z.string().min(1), help: 'path of the pinned helm, for overlays with charts' },
  'accepted-rewrite': {
    schema: oid,
    help: 'acknowledges that the branch was rewritten: its new tip, or a commit below it',
  },
  identity: { schema: z.string().min(1).max(200), help: 'name of this process in the Lease', hidden: true },
  'log-level': { schema: z.enum(LOG_LEVELS), fallback: 'info', help: LOG_LEVELS.join(', ') },
  heartbeat: { schema: span, fallback: '30s', help: 'between heartbeats, ± 20 %' },
  hello: { schema: span, fallback: '450s', help: 'between hellos, ± a third' },
  'tip-check': { schema: span, fallback: '10m', help: 'between looks at the branch, ± 20 %' },
  'full-pass': { schema: span, fallback: '10m', help: 'between full drift passes, ± 20 %' },
  lease: { schema: span, fallback: '30s', help: 'after which another agent takes over a silent one' },
  retry: { schema: span, fallback: '2s', help: 'first retry of what failed, at most' },
  'retry-most': { schema: span, fallback: '2m', help: 'later retries, at most' },
  reconnect: { schema: span, fallback: '10s', help: 'random wait before NATS is dialled again, at most' },
  'test-markers': { schema: z.string().min(1), help: 'for tests', hidden: true },
  'test-stop-at': { schema: z.string().regex(MARK_POINT), help: 'for tests', hidden: true },
  'test-pause-at': { schema: z.string().regex(MARK_POINT), help: 'for tests', hidden: true },
} as const satisfies Record<string, Option>;
type Flag = keyof typeof OPTIONS;
const FLAGS = Object.keys(OPTIONS) as Flag[];

/** What `--help` prints. */
export function usage(): string {
  const lines = FLAGS.filter((flag) => !('hidden' in OPTIONS[flag])).map((flag) => {
    const option: Option = OPTIONS[flag];
    const fallback = option.fallback === undefined ? '' : ` [${option.fallback}]`;
    return `  --${flag.padEnd(17)} ${option.help}${fallback}`;
  });
  return [
    'usage: node agent/main.ts [flags]            runs the agent of one cluster',
    '       node agent/main.ts init --data DIR    makes the key of the agent, once, and prints the public key',
    '       node agent/main.ts once --path DIR --placement NAME   one pass over a directory; see flotilla agent --help',
    '',
    'Every flag is also a variable: --log-level is FLOTILLA_LOG_LEVEL.',
    '',
    ...lines,
    '',
  ].join('\n');
}

/** @throws FlotillaError config-invalid naming every variable or flag that is wrong */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): AgentConfig {
  const values = readSettings(OPTIONS, argv, env, ['cluster', 'hub', 'hub-keys', 'git']);
  const data = values.data as string;
  return {
    cluster: values.cluster!,
    hubUrls: values.hub!,
    gitUrls: values.git!,
    branch: values.branch!,
    gitCredentialsFile: values['git-credentials'],
    gitCaFile: values['git-ca'],
    hubKeys: values['hub-keys']!,
    seedFile: values.seed ?? join(data, 'agent.seed'),
    kubeconfig: values.kubeconfig,
    context: values.context,
    namespace: values.namespace!,
    namespaces: values.namespaces,
    dataDir: data,
    kustomize: values.kustomize,
    helm: values.helm,
    path: env.PATH ?? '',
    acceptedRewrite: values['accepted-rewrite'],
    logLevel: values['log-level']!,
    identity: values.identity,
    intervals: {
      heartbeatMs: values.heartbeat!,
      helloMs: values.hello!,
      tipMs: values['tip-check']!,
      fullPassMs: values['full-pass']!,
      leaseMs: values.lease!,
      retryMs: values.retry!,
      retryMostMs: values['retry-most']!,
      reconnectMs: values.reconnect!,
    },
    markers: {
      file: values['test-markers'],
      stopAt: values['test-stop-at'],
      pauseAt: values['test-pause-at'],
    },
  };
}

/** What `init` needs: where the seed goes. */
export function readInit(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): { dataDir: string; seedFile: string } {
  const { data, seed } = readSettings(OPTIONS, argv, env, ['data']);
  return { dataDir: data!, seedFile: seed ?? join(data!, 'agent.seed') };
}

/** Reads a small file that the configuration names. @throws FlotillaError config-invalid */
export function readConfigured(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FlotillaError('config-invalid', `${what} ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
