import { z } from 'zod';
import { MARK_POINT } from '#process/markers.ts';
import type { Setting } from '#process/settings.ts';
import { PERMISSIONS } from '#proto/documents/access.ts';
import { durationUpTo, milliseconds } from '#proto/documents/common.ts';
import { parseSelector } from '#proto/selector.ts';
import { allowanceOf } from './webhooks/addresses.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

const filled = z.string().min(1);
const spanUpTo = (most: string) =>
  durationUpTo(most)
    .transform(milliseconds)
    .refine((ms) => ms > 0, { error: 'must be longer than nothing' });
/** Timers keep less than 25 days. */
const span = spanUpTo('1d');
const listOf = <T>(item: z.ZodType<T, string>) =>
  z
    .string()
    .transform((list) => list.split(',').map((one) => one.trim()))
    .pipe(z.array(item).min(1));
const natsUrls = listOf(z.url({ protocol: /^(nats|tls)$/, error: 'not a nats:// or tls:// URL' }));
const port = z.coerce.number().pipe(z.int().min(0).max(65_535, 'not a port'));
const address = z
  .string()
  .transform((text) => /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text))
  .refine((match) => match !== null, { error: 'not HOST:PORT' })
  .transform((match) => ({ host: match?.[1] ?? (match?.[2] || '127.0.0.1'), port: Number(match?.[3]) }))
  .refine((read) => read.port <= 65_535, { error: 'not a port' });

const allowance = listOf(filled).transform((entries, context) => {
  try {
    return allowanceOf(entries);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

const selectorText = z.string().transform((text, context) => {
  try {
    return parseSelector(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

type Command = 'run' | 'init' | 'token' | 'backup';
type Option = Setting & { of: readonly Command[] };
const run = ['run'] as const;
const init = ['init'] as const;
const token = ['token'] as const;
const both = ['run', 'backup'] as const;

/** Flag → option; the variable is FLOTILLA_ and the flag in capitals. Without help it is for tests and not shown. */
const OPTIONS = {
  git: {
    of: run,
    schema: z.url({ protocol: /^https?$/, error: 'not an http or https URL' }),
    help: 'URL of the fleet repo',
  },
  branch: { of: run, schema: filled, fallback: 'main', help: 'the branch that is followed' },
  'git-credentials': {
    of: run,
    schema: filled,
    help: 'file with user:password or a token; read again when it changes',
  },
  'git-ca': { of: run, schema: filled, help: 'PEM file with the certificate authorities of the Git server' },
  nats: { of: both, schema: natsUrls, fallback: 'nats://127.0.0.1:4222', help: 'URLs of NATS, with commas' },
  'public-nats': { of: run, schema: natsUrls, help: 'URLs of NATS that agents are given (default: --nats)' },
  data: {
    of: ['run', 'init', 'token', 'backup'],
    schema: filled,
    fallback: './flotilla-hub',
    help: 'directory of the keys, and of what can be fetched again',
  },
  listen: { of: run, schema: address, fallback: '127.0.0.1:8080', help: 'address of the API' },
  'allowed-hosts': {
    of: run,
    schema: listOf(filled),
    help: 'names that the API may be called by, besides localhost',
  },
  poll: { of: run, schema: span, fallback: '10s', help: 'between two looks at the branch' },
  heartbeat: { of: run, schema: span, fallback: '30s', help: 'between two heartbeats, as agents have it' },
  reconnect: {
    of: run,
    schema: span,
    fallback: '10s',
    help: 'random wait before NATS is dialled again, at most',
  },
  lease: {
    of: both,
    schema: span,
    fallback: '15s',
    help: 'how long a hub is not heard before another one takes over',
  },
  name: {
    of: run,
    schema: filled,
    help: 'what this hub is called where there are several (default: the host)',
  },
  'accept-rewrite': {
    of: run,
    schema: z.string().regex(/^[0-9a-f]{40}$/, 'not a full commit id'),
    help: 'acknowledges that the branch was rewritten: its new tip, or a commit below it',
  },
  'webhook-secrets': {
    of: run,
    schema: filled,
    help: 'directory with a file for each secret that webhooks of gates are signed with',
  },
  'webhook-allow': {
    of: run,
    schema: allowance,
    help: 'host names, addresses and ranges inside that webhooks may go to, with commas',
  },
  'log-level': { of: run, schema: z.enum(LOG_LEVELS), fallback: 'info', help: LOG_LEVELS.join(', ') },
  'nats-host': { of: init, schema: filled, fallback: '127.0.0.1', help: 'where nats-server listens' },
  'nats-port': { of: init, schema: port, fallback: '4222', help: 'where nats-server listens' },
  'nats-monitor-port': { of: init, schema: port, help: 'serves monitoring of nats-server over HTTP' },
  groups: { of: token, schema: listOf(filled), help: 'groups of a new token, with commas' },
  emails: {
    of: token,
    schema: listOf(z.string().regex(/^\S+@\S+$/, 'not an address')),
    help: 'under which its holder commits: for gates with notAuthor',
  },
  expires: {
    of: token,
    schema: spanUpTo('3650d'),
    help: 'how long it lasts, e.g. 90d (default: until it is revoked)',
  },
  permissions: {
    of: token,
    schema: listOf(z.enum(PERMISSIONS)),
    help: 'restricts it to these, of those that its groups have',
  },
  clusters: { of: token, schema: selectorText, help: 'restricts it to clusters of this selector' },
  placements: { of: token, schema: selectorText, help: 'restricts it to placements of this selector' },
  'test-markers': { of: run, schema: filled },
  'test-stop-at': { of: run, schema: z.string().regex(MARK_POINT) },
  'test-pause-at': { of: run, schema: z.string().regex(MARK_POINT) },
} as const satisfies Record<string, Option>;
type Flag = keyof typeof OPTIONS;
const FLAGS = Object.keys(OPTIONS) as Flag[];

/** What `--help` prints. */
export function usage(): string {
  const listed = (command: Command) =>
    FLAGS.map((flag) => [flag, OPTIONS[flag] as Option] as const)
      .filter(([, { of, help }]) => help !== undefined && of.includes(command))
      .map(([flag, { help, fallback }]) => {
        const shown = fallback === undefined ? '' : ` [${fallback}]`;
        return `  --${flag.padEnd(18)} ${help}${shown}`;
      });
  return [
    'usage: node hub/main.ts [run] --git URL [flags]   runs the hub',
    '       node hub/main.ts init [flags]              makes its keys, once, and the configuration of nats-server,',
    '                                                  and prints the public key that agents are installed with',
    '       node hub/main.ts token create NAME [flags] makes a token for a person or a program, and prints it once',
    '       node hub/main.ts token list|revoke NAME    what tokens there are; takes one away, at once',
    '       node hub/main.ts backup FILE|DIR [--force] writes keys, tokens, state and audit into one file: keep it secret',
    '       node hub/main.ts restore FILE [--force]    puts them back; --force over what is there already',
    '',
    'Every flag is also a variable: --log-level is FLOTILLA_LOG_LEVEL.',
    '',
    'run',
    ...listed('run'),
    '',
    'init',
    ...listed('init'),
    '',
    'token create (list and revoke take --data only)',
    ...listed('token'),
    '',
    'backup, restore',
    ...listed('backup'),
    '',
  ].join('\n');
}

/** The options that a command takes. */
export function settingsOf(command: Command): typeof OPTIONS {
  const own = FLAGS.filter((flag) => (OPTIONS[flag].of as readonly Command[]).includes(command));
  return Object.fromEntries(own.map((flag) => [flag, OPTIONS[flag]])) as typeof OPTIONS;
}
