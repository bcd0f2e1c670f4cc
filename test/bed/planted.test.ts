import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { planted, plantedIn, refusePlanted } from './planted.ts';
import { makeScratch } from './scratch.ts';

const value = planted('b7');
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('a planted value is found in every spelling, wherever it stands', () => {
  const spelled = [
    value,
    JSON.stringify({ message: value }),
    JSON.stringify({ last: JSON.stringify({ data: value }) }),
    JSON.stringify({ value }).replaceAll('&', '\\u0026'),
    `?p=${encodeURIComponent(value)}`,
    encodeURI(value),
    new URLSearchParams({ p: value }).toString(),
    Buffer.from(value).toString('hex'),
    Buffer.from(value).toString('base64url'),
    ...['', 'x', 'xy', '{"password":"'].flatMap((before) => [
      base64(`${before}${value}`),
      base64(base64(`${before}${value}`)),
      base64(`z${base64(`${before}${value}`)}`),
    ]),
  ];
  for (const text of spelled) assert.ok(plantedIn(`about it: ${text}, and more`) !== undefined, text);
});

test('what holds none is let through, and what holds one says where', () => {
  refusePlanted('a log', 'password=*** of Secret/shop/s');
  refusePlanted('a status', { objects: [{ id: '/Secret/shop/s', error: 'data: field is immutable' }] });
  assert.throws(
    () => refusePlanted('a status', { error: `p: ${value}` }),
    /a status holds the value of a Secret: .*p: /,
  );
});

test('a process that wrote a value to a file fails its test; what the test gave does not', async () => {
  const scratch = await makeScratch('planted');
  const give = (dir: string, file: string, text: string) => {
    mkdirSync(join(scratch.dir, dir), { recursive: true });
    writeFileSync(join(scratch.dir, dir, file), text);
  };
  give('overlay', 'kustomization.yaml', 'resources: [s.yaml]');
  give('overlay', 's.yaml', value);
  give('clone/.git', 'HEAD', 'ref: refs/heads/main');
  give('clone/apps', 's.yaml', value);
  give('etcd/member/snap', 'db', base64(value));
  mkdirSync(join(scratch.dir, 'etcd/member/wal'));
  await using fine = await makeScratch('planted');
  writeFileSync(join(fine.dir, 'agent.log'), 'nothing to see');
  give('data', 'agent.log', `{"msg":${JSON.stringify(`refused ${value}`)}}`);
  await assert.rejects(
    async () => scratch[Symbol.asyncDispose](),
    /data\/agent\.log holds the value of a Secret/,
  );
});
