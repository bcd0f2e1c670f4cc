import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import fc from '#test/laws.ts';
import type { KubeObject } from '../core/object.ts';
import { CHUNK_BYTES, decodeBundle, encodeBundle } from './bundle.ts';

const configMap = (data: Record<string, unknown>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data,
});

test('objects come back as they were kept, whatever is in them', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())), (data) => {
      const rendered = { objects: [configMap({ ...data })], renderHash: 'h', sources: ['a.yaml'] };
      const { ref, chunks } = encodeBundle(rendered);
      assert.deepEqual(
        JSON.parse(JSON.stringify(decodeBundle(ref, chunks))),
        JSON.parse(JSON.stringify(rendered)),
      );
    }),
  );
});

test('an integer beyond 2^53 stays exact, and one in a string stays a string', () => {
  const { ref, chunks } = encodeBundle({
    objects: [configMap({ large: 9007199254740993n, text: '9007199254740993', small: 3 })],
    renderHash: 'h',
  });
  assert.deepEqual(decodeBundle(ref, chunks).objects[0]!.data, {
    large: 9007199254740993n,
    text: '9007199254740993',
    small: 3,
  });
});

test('a large bundle is cut into chunks that each fit a Secret, and one that lost a chunk is refused', () => {
  const data = { noise: randomBytes(1_500_000).toString('base64') };
  const { ref, chunks } = encodeBundle({ objects: [configMap(data)], renderHash: 'h' });
  assert.equal(chunks.length, ref.chunks);
  assert.ok(chunks.length >= 2 && chunks.every((chunk) => chunk.length <= CHUNK_BYTES));
  assert.deepEqual(decodeBundle(ref, chunks).objects[0]!.data, data);
  assert.throws(
    () => decodeBundle(ref, chunks.slice(1)),
    (error) => error instanceof FlotillaError && error.code === 'state-unreadable',
  );
});

test('equal content has equal keys', () => {
  const key = () => encodeBundle({ objects: [configMap({ a: '1' })], renderHash: 'h' }).ref.key;
  assert.equal(key(), key());
});
