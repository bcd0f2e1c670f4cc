/** A real nats-server with JetStream, stored below a directory. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { obtainTools } from '#tools/obtain.ts';
import { freePort } from './ports.ts';
import { Service } from './service.ts';

export type NatsServerOptions = {
  /** Holds the configuration, the JetStream store and the log. */
  dir: string;
  /**
   * Text of a configuration file. Address and port are set from here and override it. JetStream is on with a store
   * below `dir`, unless the configuration has a `jetstream` block, which then must name its `store_dir`.
   */
  config?: string;
  /** A configuration file instead of its text. */
  configFile?: string;
  port?: number;
  /** The program; found or obtained when not given. */
  program?: string;
};

export type NatsServer = Service & { readonly url: string; readonly port: number };

/** Starts nats-server on 127.0.0.1 and waits for the greeting that it sends to every client. */
export async function startNatsServer(options: NatsServerOptions, signal?: AbortSignal): Promise<NatsServer> {
  const program = options.program ?? (await obtainTools(['nats-server'], {}, signal))['nats-server'];
  const port = options.port ?? (await freePort());
  await mkdir(options.dir, { recursive: true });
  const configFile = options.configFile ?? join(options.dir, 'nats.conf');
  if (options.configFile === undefined) await writeFile(configFile, options.config ?? '');
  const config = await readFile(configFile, 'utf8');
  // The server refuses a store that is given twice, and without one it would use a directory shared by everybody.
  const ownStore = /^\s*jetstream\b/m.test(config);
  if (ownStore && !/\bstore_dir\b/.test(config)) {
    throw new Error(`${configFile} has a jetstream block without store_dir`);
  }
  const service = new Service({
    name: 'nats-server',
    command: program,
    args: [
      ...['--config', configFile, '--addr', '127.0.0.1', '--port', String(port)],
      ...(ownStore ? [] : ['--jetstream', '--store_dir', join(options.dir, 'jetstream')]),
    ],
    logFile: join(options.dir, 'nats-server.log'),
    ready: (until) => greets(port, until),
  });
  await service.start(signal);
  return Object.assign(service, { url: `nats://127.0.0.1:${port}`, port });
}

/** True once something at the port begins with `INFO {`, as a NATS server does. */
function greets(port: number, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port, signal });
  return new Promise<boolean>((resolve) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length >= 6) resolve(text.startsWith('INFO {'));
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  }).finally(() => socket.destroy());
}
