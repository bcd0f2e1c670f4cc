import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '#sim/json.ts';
import { type Case, law } from '../case.ts';
import { normal } from '../normal.ts';
import type { Exchange } from '../recorded-engine.ts';

/** What the apply engine asked of a real server and what that answered, in order. */
export const ENGINE_FILE = join(import.meta.dirname, '../recorded/engine.jsonl');

export const ENGINE: readonly Case[] = [
  law('every request of the apply engine gets the recorded answer', async ({ api, namespace }) => {
    const recorded = readFileSync(ENGINE_FILE, 'utf8').replaceAll('<namespace>', namespace);
    const exchanges = recorded
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Exchange);
    assert.ok(exchanges.length > 40);
    const answers: { metadata?: { uid?: string; resourceVersion?: string } }[] = [];
    const known = (text: string): string =>
      text.replaceAll(/"<(uid|version) of (\d+)>"/g, (_, what: string, index: string) => {
        const { uid, resourceVersion } = answers[Number(index)]?.metadata ?? {};
        return JSON.stringify(what === 'uid' ? uid : resourceVersion);
      });
    for (const [index, { method, path, type, accept, body, code, answer }] of exchanges.entries()) {
      const headers = { ...(type && { 'content-type': type }), ...(accept && { accept }) };
      const sent = body === undefined ? undefined : known(JSON.stringify(body));
      const got = await api.send(method, path, sent, headers);
      answers.push(got.body ?? {});
      const about = `line ${index + 1}: ${method} ${path}`;
      assert.equal(got.code, code, `${about}: ${JSON.stringify(got.body)}`);
      assert.deepEqual(normal(got.body), normal(answer as Json), about);
    }
  }),
];
