/** Loopback ports for servers that need to be told one, and that are started again on the same one. */
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the ranges from which Linux (32768…) and darwin (49152…) take ports for outgoing connections. A client that
// redials a server which is down could otherwise be given the server's own port, connect to itself and keep it.
const FIRST = 20_000;
const LAST = 32_000;

const given = new Set<number>();

/** A port of 127.0.0.1 that is free now and that this process was not given before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} on 127.0.0.1`);
}

/** Whether 127.0.0.1:port can be bound now. */
export async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
