import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Json } from '#sim/json.ts';
import type { Api } from './api.ts';
import { normal } from './normal.ts';
import type { Exchange } from './recorder.ts';

type Identity = { uid?: string; resourceVersion?: string };

/** Asks what was recorded, in order, and expects what was answered then. */
export async function replay(api: Api, file: string, namespace: string): Promise<void> {
  const exchanges = readFileSync(file, 'utf8')
    .replaceAll('<namespace>', namespace)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Exchange);
  assert.ok(exchanges.length > 40);
  const answers: { metadata?: Identity }[] = [];
  for (const [index, { method, path, type, accept, body, code, answer }] of exchanges.entries()) {
    const headers = { ...(type && { 'content-type': type }), ...(accept && { accept }) };
    const sent = body === undefined ? undefined : await known(api, path, JSON.stringify(body), answers);
    const got = await api.send(method, path, sent, headers);
    answers.push(got.body ?? {});
    const about = `line ${index + 1}: ${method} ${path}`;
    assert.equal(got.code, code, `${about}: ${JSON.stringify(got.body)}`);
    assert.deepEqual(normal(got.body), normal(answer as Json), about);
  }
}

/** A body with the uids and versions of this run: of an earlier answer, or of the object as it is now. */
async function known(
  api: Api,
  path: string,
  body: string,
  answers: readonly { metadata?: Identity }[],
): Promise<string> {
  const isOfNow = /"<(uid|version) now>"/.test(body);
  const now: Identity = isOfNow ? (await api.get(path.split('?')[0]!)).body.metadata : {};
  return body.replaceAll(/"<(uid|version) (?:now|of (\d+))>"/g, (_, what: string, index?: string) => {
    const { uid, resourceVersion } = index === undefined ? now : (answers[Number(index)]?.metadata ?? {});
    return JSON.stringify(what === 'uid' ? uid : resourceVersion);
  });
}
