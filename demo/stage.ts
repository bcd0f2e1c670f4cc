import type { Member } from './fleet-repo.ts';

/** What the tour plays on: a running fleet, a clone to commit in, and one agent whose cluster is not committed yet. */
export type Stage = {
  graphql: string;
  /** The working clone. */
  directory: string;
  commit(message: string): Promise<string>;
  newcomer: Member;
  /** A line for people while a step is played. */
  say(text: string): void;
  /** Writes to a cluster's API server as somebody else: JSON merge patch by this field manager. */
  patch(cluster: string, path: string, body: object, fieldManager: string): Promise<void>;
  read(cluster: string, path: string): Promise<unknown>;
};

export type Step = { title: string; play(stage: Stage, signal: AbortSignal): Promise<string> };
