import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import type { AgentEvent } from '#proto/messages.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { down } from '#proto/subjects.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { AgentLab, CLUSTER, configMap, NEVER } from './agent-lab.ts';

/** What an agent says on NATS, and how it stays there. */

test('an identity that expires is asked for again by itself', async () => {
  await using lab = await AgentLab.open();
  lab.tokenSeconds = 2;
  lab.start();
  await lab.rollOut(await lab.clone.head());
  const { length } = lab.hellos;
  await lab.soon('a hello with the next token', () => lab.bootstraps > 1 && lab.hellos.length > length);
  lab.tokenSeconds = 3_600;
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'green'));
  await lab.rollOut(await lab.clone.commit('Paint it green'));
});

test('a renewed token is used from the next connection on, without the hub', async () => {
  await using lab = await AgentLab.open();
  lab.tokenSeconds = 3;
  lab.start();
  await lab.rollOut(await lab.clone.head());
  const renewed = JSON.stringify({ v: 1, jwt: lab.token(3_600) });
  // Where the token has ended already, the agent asks for another one that ends soon, and hears of the renewed one after that.
  let [asked, said] = [lab.bootstraps, lab.hellos.length];
  await lab.soon('a hello that nobody was asked for', () => {
    lab.bus.publish(down.jwt(CLUSTER), renewed);
    if (lab.bootstraps > asked) [asked, said] = [lab.bootstraps, lab.hellos.length + 1];
    return lab.hellos.length > said;
  });
  await lab.soon('no fault', () => lab.heartbeats.at(-1)?.faults.length === 0);
});

test('a broker that dies finds the agent and what it has to say again', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  const manager = await jetstreamManager(lab.bus);
  await manager.streams.add({ name: 'EVENTS', subjects: ['up.*.event'], no_ack: true });
  await lab.nats.kill9();
  await lab.edit('settings', { colour: 'red' });
  await lab.untilMap('corrected without NATS', 'settings', (map) => map?.data.colour === 'blue');
  await lab.nats.start();
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'green'));
  await lab.rollOut(await lab.clone.commit('Paint it green'));
  const kept = async () => {
    const { state } = await manager.streams.info('EVENTS');
    const numbers = Array.from({ length: state.messages }, (_, index) => state.first_seq + index);
    const messages = await Promise.all(numbers.map((seq) => manager.streams.getMessage('EVENTS', { seq })));
    return messages.map((message) => message!.json<AgentEvent>());
  };
  const isDrift = ({ type, drift }: AgentEvent) => type === 'DRIFT_DETECTED' && drift?.live === 'red';
  await eventually(
    'the drift of the silent time',
    async () => ((await kept()).some(isDrift) ? true : undefined),
    PATIENCE_MS,
    NEVER,
  );
});

test('heartbeats carry the hash of what was published, and statuses come again when they are asked for', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  await lab.soon('a quiet hash', () => {
    const { seq = 0 } = lab.newest('web') ?? {};
    return lab.heartbeats.at(-1)?.statusHash === statusSetHash(new Map([['web', seq]]));
  });
  const { seq } = lab.newest('web')!;
  lab.bus.publish(down.rpc(CLUSTER, 'status'), JSON.stringify({ v: 1, id: 'a' }));
  await lab.until('a newer number', 'web', (status) => status.seq > seq);
  lab.bus.publish(down.rpc(CLUSTER, 'resync'), JSON.stringify({ v: 1, id: 'b' }));
  lab.bus.publish(down.rpc(CLUSTER, 'status'), 'nonsense');
  lab.bus.publish(`down.${CLUSTER}.rpc.unheard`, '{}');
  const { length } = lab.heartbeats;
  await lab.soon('heartbeats go on', () => lab.heartbeats.length > length + 2);
});

test('the echo of an attempt is at the server before anything is written for it', async () => {
  await using lab = await AgentLab.open();
  lab.start();
  await lab.rollOut(await lab.clone.head());
  await lab.clone.write('apps/web/settings.yaml', configMap('settings', 'green'));
  const document = await lab.document(await lab.clone.commit('Paint it green'), ['web']);
  const { attempt } = document.assignments[0]!;
  let isSeen = false;
  lab.bus.subscribe(`up.${CLUSTER}.status.web`, {
    callback: (_, { data }) => {
      const status = JSON.parse(Buffer.from(data).toString()) as { attempt: number };
      if (status.attempt === attempt) isSeen = true;
    },
  });
  // What the server has had before the write is here before it answers what is asked at the write.
  let wasThere: Promise<boolean> | undefined;
  lab.sim.cluster(CLUSTER).faults.refuse(({ kind, name }) => {
    if (kind.kind === 'ConfigMap' && name === 'settings') wasThere ??= lab.bus.flush().then(() => isSeen);
    return undefined;
  });
  lab.publish(document);
  await lab.untilMap('the write', 'settings', (map) => map?.data.colour === 'green');
  assert.equal(await wasThere, true);
});
