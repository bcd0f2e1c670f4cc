import { join } from 'node:path';
import { type Case, law } from '../case.ts';
import { LINE_FILE } from '../recorded-line.ts';
import { replay } from '../replay.ts';

/** What the apply engine asked of a real server and what that answered, in order. */
export const ENGINE_FILE = join(import.meta.dirname, '../recorded/engine.jsonl');

export const ENGINE: readonly Case[] = [
  law('every request of the apply engine gets the recorded answer', ({ api, namespace }) =>
    replay(api, ENGINE_FILE, namespace),
  ),
  law('every request of the agent in an end-to-end run gets the recorded answer', ({ api, namespace }) =>
    replay(api, LINE_FILE, namespace),
  ),
];
