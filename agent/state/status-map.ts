import type { Logger } from 'pino';
import { Bell, pause } from '#process/wait.ts';
import { FlotillaError } from '#proto/faults.ts';
import { type OwnObjects, STATE_LABEL } from './api.ts';

const NAME = 'flotilla-status';
/** Changes within this time are one write; with every key it is written whole, so that a large one is written less often. */
const QUIET_MS = 1_000;
const QUIET_EACH_MS = 5;

/**
 * The ConfigMap `flotilla-status`, for people who have only kubectl: one key per placement and `agent` for the whole, each a few
 * lines of YAML. Written only when it says something new.
 */
export class StatusMap {
  readonly #objects: OwnObjects;
  readonly #log: Logger;
  /** Undefined: to be taken out. */
  readonly #wanted = new Map<string, string | undefined>();
  readonly #changed = new Bell();
  #written: ReadonlyMap<string, string | undefined> | undefined;

  constructor(objects: OwnObjects, log: Logger) {
    this.#objects = objects;
    this.#log = log;
  }

  /** `undefined` lines are left out. */
  set(key: string, lines: Readonly<Record<string, string | number | undefined>>): void {
    const text = Object.entries(lines)
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => `${name}: ${oneLine(String(value))}\n`)
      .join('');
    if (this.#wanted.get(key) === text) return;
    this.#wanted.set(key, text);
    this.#changed.ring();
  }

  remove(key: string): void {
    this.#wanted.set(key, undefined);
    this.#changed.ring();
  }

  /** Writes what changes until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#changed.wait(Number.POSITIVE_INFINITY, signal);
      await pause(QUIET_MS + this.#wanted.size * QUIET_EACH_MS, signal);
      try {
        await this.write(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof FlotillaError)) throw error;
        this.#log.warn({ code: error.code }, error.message);
        this.#changed.ring();
      }
    }
  }

  async write(signal: AbortSignal): Promise<void> {
    const wanted = [...this.#wanted];
    const before = this.#written ?? (await this.#read(signal));
    const data: Record<string, string | null> = {};
    for (const [key, text] of wanted) if (before.get(key) !== text) data[key] = text ?? null;
    if (Object.keys(data).length > 0)
      await this.#objects.upsert('ConfigMap', NAME, { data }, { [STATE_LABEL]: 'status' }, signal);
    this.#written = new Map([...before, ...wanted]);
  }

  async #read(signal: AbortSignal): Promise<ReadonlyMap<string, string | undefined>> {
    const found = await this.#objects.get('ConfigMap', NAME, signal);
    return new Map(Object.entries((found?.data ?? {}) as Record<string, string>));
  }
}

/** A YAML scalar on one line, quoted where it could be read as something else. */
function oneLine(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9 ._/@+-]*$/.test(text) ? text : JSON.stringify(text);
}
