/**
 * What the agent of an end-to-end run asks of its real API server, and what that answers, for the contract to replay
 * (`cases/engine.ts`): `CONTRACT_RECORD=1 node --test test/e2e/line.test.ts`.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '#sim/json.ts';
import type { ControlPlane } from '../bed/control-plane.ts';
import { planted } from '../bed/planted.ts';
import { type Exchange, kubeconfig, recorder } from './recorder.ts';

export const LINE_FILE = join(import.meta.dirname, 'recorded/line.jsonl');

export type LineRecorder = {
  /** Path of a kubeconfig by which whoever uses it is written down. */
  kubeconfig: string;
  /** Deletes as a person would, written down as well. */
  remove(path: string): Promise<void>;
  save(): void;
};

export async function recordLine(plane: ControlPlane, dir: string): Promise<LineRecorder> {
  const exchanges: Exchange[] = [];
  const target = { name: 'real', url: plane.server, ca: plane.ca, token: plane.adminToken };
  const through = await recorder(target, exchanges);
  const file = join(dir, 'recorded.kubeconfig');
  writeFileSync(file, kubeconfig(through.url), { mode: 0o600 });
  return {
    kubeconfig: file,
    async remove(path) {
      assert.equal((await fetch(through.url + path, { method: 'DELETE' })).status, 200);
    },
    save() {
      through.close();
      // Who came too late with a version looked again: which writes those are differs from run to run.
      const kept = exchanges.filter(({ code }) => code !== 409).map(repeatable);
      writeFileSync(LINE_FILE, `${kept.map((one) => JSON.stringify(one)).join('\n')}\n`);
    },
  };
}

/**
 * Versions and uids were mostly learned from lists and watches, and controllers move versions on: the replay takes those of its own moment.
 * What the agent packs for itself, and what tests plant, is of no matter to a server.
 */
function repeatable({ body, answer, ...rest }: Exchange): Exchange {
  return {
    ...rest,
    ...(body !== undefined && { body: plain(body, true) }),
    answer: plain(answer, false),
  };
}

const SECRET = Buffer.from(planted('books')).toString('base64');
const PACKED = /^[A-Za-z0-9+/=]{200,}$/;
const SHORT = 'c2hvcnQ=';

function plain(value: Json, isSent: boolean, field = ''): Json {
  if (typeof value === 'string') {
    if (isSent && field === 'resourceVersion') return '<version now>';
    if (isSent && field === 'uid') return '<uid now>';
    return value === SECRET || PACKED.test(value) ? SHORT : value.replaceAll(planted('books'), 'short');
  }
  if (Array.isArray(value)) return value.map((item) => plain(item, isSent));
  if (typeof value !== 'object' || value === null) return value;
  const isVersionTest = value.path === '/metadata/resourceVersion';
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      plain(member ?? null, isSent, isVersionTest && name === 'value' ? 'resourceVersion' : name),
    ]),
  );
}
