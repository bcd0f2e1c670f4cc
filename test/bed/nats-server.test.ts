import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { assertNoSurvivors } from './leaks.ts';
import { startNatsServer } from './nats-server.ts';
import { isFree } from './ports.ts';
import { makeScratch } from './scratch.ts';

test('what JetStream acknowledged is there after kill -9 and a restart on the same port', async () => {
  await using scratch = await makeScratch('nats');
  await using nats = await startNatsServer({ dir: scratch.dir });
  const before = await connect({ servers: nats.url, reconnect: false });
  await (await jetstreamManager(before)).streams.add({ name: 'S', subjects: ['s.>'] });
  await jetstream(before).publish('s.one', 'kept');
  const closed = before.closed();
  await nats.kill9();
  await closed;
  assert.equal(nats.pid, undefined);
  await nats.start();
  const after = await connect({ servers: nats.url });
  const stream = await (await jetstreamManager(after)).streams.info('S');
  assert.equal(stream.state.messages, 1);
  await after.close();
  await nats.stop();
  assert.ok(await isFree(nats.port));
});

test('a configuration in text is obeyed, and a wrong one fails with what the server says', async () => {
  await using scratch = await makeScratch('nats');
  const config = 'authorization { user: "ada", password: "secret" }';
  await using nats = await startNatsServer({ dir: join(scratch.dir, 'good'), config });
  await assert.rejects(connect({ servers: nats.url, reconnect: false }), /authorization/i);
  const known = await connect({ servers: nats.url, user: 'ada', pass: 'secret' });
  await known.close();
  await assert.rejects(
    startNatsServer({ dir: join(scratch.dir, 'bad'), config: 'authorization {' }),
    /nats-server ended with exit code 1[\s\S]*Parse error/,
  );
});

test('a configuration may bring its own store, but not leave it to a shared default', async () => {
  await using scratch = await makeScratch('nats');
  const store = join(scratch.dir, 'elsewhere');
  const config = `jetstream { store_dir: "${store}" }`;
  await using nats = await startNatsServer({ dir: scratch.dir, config });
  const connection = await connect({ servers: nats.url });
  await (await jetstreamManager(connection)).streams.add({ name: 'S', subjects: ['s.>'] });
  await connection.close();
  assert.ok(existsSync(join(store, 'jetstream')));
  const other = join(scratch.dir, 'other');
  await assert.rejects(startNatsServer({ dir: other, config: 'jetstream: enabled' }), /without store_dir/);
});

test('a server of the bed ends within seconds of its owner being killed with -9', async () => {
  await using scratch = await makeScratch('nats');
  const code = `
    import { startNatsServer } from ${JSON.stringify(join(import.meta.dirname, 'nats-server.ts'))};
    const nats = await startNatsServer({ dir: ${JSON.stringify(scratch.dir)} });
    console.log(nats.pid);
    setTimeout(() => {}, 600_000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(owner.stdout, 'data');
  assert.ok(existsSync(join(scratch.dir, 'nats-server.log')));
  owner.kill('SIGKILL');
  await assertNoSurvivors(scratch.dir);
});
