import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bus } from '#hub/bus/bus.ts';
import { dialNats } from '#hub/bus/connect.ts';
import { HUB_STATE_BUCKET, STREAMS } from '#proto/subjects.ts';
import { makeScratch } from '../bed/scratch.ts';
import { startTrustedNats } from './hub-nats.ts';
import { until } from './hub-rig.ts';

test('what is published is read before the state that it is to follow from, so that no hub writes over a newer one', async () => {
  await using scratch = await makeScratch('hub-bus');
  const { nats, trust } = await startTrustedNats(scratch.dir);
  await using _ = nats;
  const stop = new AbortController();
  const dial = { servers: [nats.url], trust, reconnectMs: 300 };
  const connection = await dialNats(dial, ({ message }) => assert.fail(message), stop.signal);
  assert.ok(connection);
  const read: string[] = [];
  connection.subscribe('$JS.API.CONSUMER.CREATE.>', {
    callback: (_error, { subject }) => void read.push(subject.split('.')[4] ?? ''),
  });
  await connection.flush();
  let up = false;
  const lease = { id: 'one', name: 'hub-1', durationMs: 15_000 };
  const nothing = {
    won: () => undefined,
    lost: () => undefined,
    leader: () => undefined,
    stored: () => undefined,
  };
  const bus = new Bus(
    { ...dial, lease },
    {
      ...nothing,
      up: () => {
        up = true;
      },
      down: () => undefined,
      message: () => undefined,
      warn: assert.fail,
    },
  );
  const running = bus.run(stop.signal);
  await until('the bus', () => (up ? true : undefined));
  await bus.compete();
  await bus.sync(stop.signal);
  await bus.replay(() => undefined, stop.signal);
  await until('every read', () => (read.includes(STREAMS.status) ? true : undefined));
  const order = [STREAMS.desired, `KV_${HUB_STATE_BUCKET}`].map((stream) => read.indexOf(stream));
  assert.ok(order[0]! >= 0 && order[0]! < order[1]!, read.join(', '));
  stop.abort();
  await running;
  await connection.close();
});
