import type { ServerTokens } from './trust.ts';

export type ServerConfigOptions = {
  /** Where clients connect, and where JetStream stores; absent: said on the command line of nats-server. */
  listen?: { host: string; port: number };
  storeDir?: string;
  /** Where to serve monitoring over HTTP; nowhere when absent. */
  monitor?: { host: string; port: number };
  /** Bound of what JetStream stores, bytes; the server's own choice when absent. */
  maxStoreBytes?: number;
};

/**
 * The configuration of nats-server (2.9 and later) in operator mode: it knows the operator and two accounts by heart, and
 * no user at all: whoever brings a token signed by the account, and the seed it was made for, is let in.
 */
export function serverConfig(tokens: ServerTokens, options: ServerConfigOptions): string {
  const { listen, storeDir, monitor, maxStoreBytes } = options;
  const lines = [
    '# nats-server for Flotilla. Written by `init` of the hub: changes are overwritten. Holds no secret.',
    'server_name: flotilla',
    ...(listen ? [`listen: ${quote(address(listen))}`] : []),
    ...(monitor ? [`http: ${quote(address(monitor))}`] : []),
    'max_payload: 1MB',
    ...(storeDir === undefined ? [] : jetStream(storeDir, maxStoreBytes)),
    `operator: ${tokens.operator}`,
    `system_account: ${tokens.systemAccount}`,
    'resolver: MEMORY',
    'resolver_preload: {',
    ...Object.entries(tokens.accounts).map(([account, token]) => `  ${account}: ${token}`),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function jetStream(storeDir: string, maxStoreBytes: number | undefined): string[] {
  const bound = maxStoreBytes === undefined ? [] : [`  max_file_store: ${maxStoreBytes}`];
  return ['jetstream {', `  store_dir: ${quote(storeDir)}`, ...bound, '}'];
}

const address = ({ host, port }: { host: string; port: number }) => `${host}:${port}`;
const quote = (text: string) => JSON.stringify(text);
