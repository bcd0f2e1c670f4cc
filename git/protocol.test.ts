import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { DELIM, FLUSH, pktText, readPkts, writePkt } from './pkt-line.ts';
import {
  ObjectNotOnServer,
  parseCapabilities,
  parseFetchResponse,
  parseLsRefsResponse,
  writeFetchRequest,
  writeLsRefsRequest,
} from './protocol.ts';
import { assertFault, assertOnlyFaults } from './testing/assert-fault.ts';

const oid = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const A = 'a'.repeat(40);

/** The server's half of the codecs. */
const lines = (...texts: string[]) => Buffer.concat(texts.map((text) => writePkt(`${text}\n`)));
const band = (number: number, bytes: Uint8Array | string) =>
  writePkt(Buffer.concat([Buffer.from([number]), Buffer.from(bytes as string)]));
const advertisement = (...capabilities: string[]) =>
  Buffer.concat([lines('# service=git-upload-pack'), FLUSH, lines('version 2', ...capabilities), FLUSH]);
const fetchAnswer = (shallow: string[], unshallow: string[], pack: Uint8Array) =>
  Buffer.concat([
    ...(shallow.length + unshallow.length === 0
      ? []
      : [
          lines(
            'shallow-info',
            ...shallow.map((o) => `shallow ${o}`),
            ...unshallow.map((o) => `unshallow ${o}`),
          ),
          DELIM,
        ]),
    lines('packfile'),
    band(2, 'counting\n'),
    ...Array.from({ length: Math.ceil(pack.length / 40) }, (_, i) =>
      band(1, pack.subarray(i * 40, i * 40 + 40)),
    ),
    FLUSH,
  ]);
const parse = <T>(parser: (pkts: ReturnType<typeof readPkts>) => Promise<T>, bytes: Uint8Array) =>
  parser(readPkts([bytes]));
async function requestLines(bytes: Buffer): Promise<string[]> {
  const pkts = await Array.fromAsync(readPkts([bytes]));
  return pkts.map((pkt) => (pkt.kind === 'data' ? pktText(pkt.payload) : `(${pkt.kind})`));
}

test('the answer to a fetch is read as it was written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(oid),
      fc.array(oid),
      fc.uint8Array({ maxLength: 500 }),
      async (shallow, unshallow, pack) => {
        const answer = await parse(parseFetchResponse, fetchAnswer(shallow, unshallow, pack));
        assert.deepEqual(answer, { shallow, unshallow, pack: Buffer.from(pack) });
      },
    ),
  );
});

test('an answer that is cut anywhere is a fault, never half an answer', async () => {
  const whole = fetchAnswer([A], [A], Buffer.from('PACK and so on'));
  for (let length = 0; length < whole.length; length++) {
    await assertFault(parse(parseFetchResponse, whole.subarray(0, length)), 'git-protocol');
  }
  const refs = Buffer.concat([lines(`${A} refs/heads/main`), FLUSH]);
  for (let length = 0; length < refs.length; length++) {
    await assertFault(parse(parseLsRefsResponse, refs.subarray(0, length)), 'git-protocol');
  }
});

test('an answer that was altered ends in a value or a fault', async () => {
  const answers = [
    [parseFetchResponse, fetchAnswer([A], [], Buffer.from('PACK'))],
    [parseLsRefsResponse, Buffer.concat([lines(`${A} refs/heads/main`), FLUSH])],
    [parseCapabilities, advertisement('ls-refs', 'fetch=shallow filter', 'object-format=sha1')],
  ] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...answers),
      fc.nat(),
      fc.nat(255),
      async ([parser, bytes], at, value) => {
        const altered = Buffer.from(bytes);
        altered[at % altered.length] = value;
        await assertOnlyFaults(() => parse<unknown>(parser, altered));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a fetch asks for exactly what it was given', async () => {
  const request = {
    wants: [A],
    haves: ['b'.repeat(40)],
    shallows: ['c'.repeat(40)],
    deepen: 3,
    filter: 'tree:0',
  } as const;
  assert.deepEqual(await requestLines(writeFetchRequest(request, 'git/x')), [
    'command=fetch',
    'agent=git/x',
    'object-format=sha1',
    '(delim)',
    'no-progress',
    'ofs-delta',
    `want ${A}`,
    `have ${'b'.repeat(40)}`,
    `shallow ${'c'.repeat(40)}`,
    'deepen 3',
    'filter tree:0',
    'done',
    '(flush)',
  ]);
});

test('refs are asked for by prefix and read with their ids', async () => {
  assert.ok(
    (await requestLines(writeLsRefsRequest(['refs/heads/'], 'x'))).includes('ref-prefix refs/heads/'),
  );
  const answer = Buffer.concat([
    lines(`${A} refs/heads/main`, 'unborn HEAD symref-target:refs/heads/x'),
    FLUSH,
  ]);
  assert.deepEqual(await parse(parseLsRefsResponse, answer), [{ name: 'refs/heads/main', oid: A }]);
});

test('capabilities are what the server says of fetch', async () => {
  const both = advertisement(
    'agent=git/2.39',
    'ls-refs=unborn',
    'fetch=shallow wait-for-done filter',
    'object-format=sha1',
  );
  assert.deepEqual(await parse(parseCapabilities, both), { filter: true, shallow: true });
  const none = Buffer.concat([lines('version 2', 'ls-refs', 'fetch'), FLUSH]);
  assert.deepEqual(await parse(parseCapabilities, none), { filter: false, shallow: false });
});

test('a server of an older protocol is told from one that is no Git server', async () => {
  const v0 = Buffer.concat([
    lines('# service=git-upload-pack'),
    FLUSH,
    writePkt(`${A} HEAD\0multi_ack side-band-64k\n`),
    FLUSH,
  ]);
  await assertFault(parse(parseCapabilities, v0), 'git-not-a-git-server', /protocol version 2/);
  await assertFault(
    parse(parseCapabilities, advertisement('ls-refs', 'fetch', 'object-format=sha256')),
    'git-protocol',
    /sha256/,
  );
});

test('an object that the server lacks is named', async () => {
  for (const text of [`ERR upload-pack: not our ref ${A}`, `ERR want ${A} not valid`]) {
    const error = await assertFault(
      parse(parseFetchResponse, lines(text)),
      'git-object-missing',
      new RegExp(A),
    );
    assert.ok(error instanceof ObjectNotOnServer);
    assert.equal(error.oid, A);
  }
});

test('the words of the server come along, shortened and on one line', async () => {
  await assertFault(
    parse(parseFetchResponse, lines('ERR go\naway')),
    'git-protocol',
    /the server says: "go\\naway"/,
  );
  const inside = Buffer.concat([lines('packfile'), band(3, `aborting: ${'x'.repeat(1_000)}`)]);
  const error = await assertFault(parse(parseFetchResponse, inside), 'git-protocol', /aborting/);
  assert.ok(error.message.length < 300);
});
