/** What obtaining tells while it goes on; `text` is for people, in place on a terminal. */
import type { ToolName } from './pins.ts';

export type ToolEvent =
  | { kind: 'waiting'; holder: number }
  | { kind: 'trying'; tool: ToolName; version: string; text: string }
  | { kind: 'step'; tool: ToolName; text: string }
  | { kind: 'passed'; tool: ToolName; text: string }
  | { kind: 'ready'; tool: ToolName; version: string; path: string; from: string; seconds: number };

export type Progress = (event: ToolEvent) => void;

/** A source that did not deliver; the next one is tried. The message says why, for people. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
}
