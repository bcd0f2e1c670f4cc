import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { KubeClient } from './client.ts';
import type { Resource } from './discovery.ts';
import { jsonLines } from './lines.ts';
import { answer, ScriptedServer } from './testing/scripted-server.ts';
import { Interruption, type WatchEvent, watchKind } from './watch.ts';

const RESOURCE: Resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
const meta = (name: string, resourceVersion: string) => ({
  metadata: { name, namespace: 'n', resourceVersion },
});
const page = (resourceVersion: string, ...items: object[]) => ({ metadata: { resourceVersion }, items });

/** One scripted answer per list and per watch, in order. */
type Turn = { list: object; status?: number } | { watch: object[]; end?: boolean } | { refuse: number };

/** The events of these turns; `interruption` comes some time after the first watch was asked for. */
async function told(turns: readonly Turn[], count: number, interruption?: Interruption): Promise<string[]> {
  const rest = [...turns];
  let isWatched = false;
  await using server = await ScriptedServer.start((_, response) => {
    const turn = rest.shift();
    if (turn === undefined) return;
    if ('refuse' in turn) answer(response, turn.refuse, { message: 'refused' });
    else if ('list' in turn) answer(response, turn.status ?? 200, turn.list);
    else {
      stream(response, turn.watch, turn.end === true);
      if (!isWatched && interruption) setTimeout(() => interruption.fire(), 50);
      isWatched = true;
    }
  });
  const abort = new AbortController();
  const client = new KubeClient(server.connection, { attempts: 1 });
  const events: string[] = [];
  const options = { labelSelector: 'l', random: () => 0, ...(interruption && { interruption }) };
  for await (const event of watchKind(client, RESOURCE, options, abort.signal)) {
    events.push(words(event));
    if (events.length === count) abort.abort();
  }
  return events;
}

function stream(response: ServerResponse, events: readonly object[], end: boolean): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  for (const event of events) response.write(`${JSON.stringify(event)}\n`);
  if (end) response.end();
}

function words(event: WatchEvent): string {
  if (!('object' in event)) return event.type;
  return `${event.type} ${event.object.kind}/${event.object.metadata.name}`;
}

test('what exists is told, then that all is told, then what changes', async () => {
  const events = await told(
    [
      { list: page('5', meta('a', '1'), meta('b', '2')) },
      {
        watch: [
          { type: 'MODIFIED', object: meta('a', '6') },
          { type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } },
          { type: 'ADDED', object: meta('c', '8') },
          { type: 'DELETED', object: meta('b', '9') },
        ],
      },
    ],
    6,
  );
  assert.deepEqual(events, [
    'added ConfigMap/a',
    'added ConfigMap/b',
    'synced',
    'modified ConfigMap/a',
    'added ConfigMap/c',
    'deleted ConfigMap/b',
  ]);
});

test('a watch that ends goes on where it was; one that is too old lists again and tells what was missed', async () => {
  const expired = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } };
  const events = await told(
    [
      { list: page('5', meta('a', '1'), meta('b', '2'), meta('same', '3')) },
      { watch: [{ type: 'MODIFIED', object: meta('a', '6') }], end: true },
      { watch: [expired], end: true },
      { list: page('20', meta('a', '15'), meta('new', '16'), meta('same', '3')) },
      { watch: [] },
    ],
    9,
  );
  assert.deepEqual(events.slice(4), [
    'modified ConfigMap/a',
    'modified ConfigMap/a',
    'added ConfigMap/new',
    'deleted ConfigMap/b',
    'synced',
  ]);
});

test('trouble is told and passes; after it comes synced again', async () => {
  const events = await told(
    [
      { refuse: 500 },
      { list: page('5') },
      { refuse: 500 },
      { watch: [{ type: 'ADDED', object: meta('a', '6') }] },
    ],
    5,
  );
  assert.deepEqual(events, ['trouble', 'synced', 'trouble', 'synced', 'added ConfigMap/a']);
});

test('a kind that is no longer served takes its objects with it', async () => {
  const events = await told(
    [{ list: page('5', meta('a', '1')) }, { refuse: 404 }, { list: page('9') }, { watch: [] }],
    5,
  );
  assert.deepEqual(events, ['added ConfigMap/a', 'synced', 'deleted ConfigMap/a', 'gone', 'synced']);
});

test('asked to, a watch lists again', async () => {
  const interruption = new Interruption();
  const events = await told(
    [{ list: page('5', meta('a', '1')) }, { watch: [] }, { list: page('6', meta('a', '2')) }, { watch: [] }],
    4,
    interruption,
  );
  assert.deepEqual(events, ['added ConfigMap/a', 'synced', 'modified ConfigMap/a', 'synced']);
});

test('lines may be cut anywhere, and one that never ends is refused', async () => {
  const text = Buffer.from('{"a":"ü"}\n\n{"b":2}\n{"c":3}');
  for (const size of [1, 2, 5, 100]) {
    const chunks = async function* () {
      for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size);
    };
    const read: unknown[] = [];
    for await (const line of jsonLines(chunks(), 100)) read.push(line);
    assert.deepEqual(read, [{ a: 'ü' }, { b: 2 }, { c: 3 }]);
  }
  const endless = async function* () {
    for (;;) yield Buffer.from('x'.repeat(50));
  };
  await assert.rejects(async () => {
    for await (const _ of jsonLines(endless(), 100));
  }, RangeError);
});
