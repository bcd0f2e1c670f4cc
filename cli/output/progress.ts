type Stream = { readonly isTTY?: boolean; write(text: string): unknown };

const MOST_OFTEN_MS = 100;
/** Where no terminal shows the line that is replaced, long work says a word this often. */
const ELSEWHERE_MS = 10_000;

/** A line about long work that replaces itself on a terminal, and is told now and then elsewhere. */
export class Progress {
  readonly #stream: Stream;
  readonly #now: () => number;
  #shown = false;
  #last: number;

  constructor(stream: Stream, now: () => number) {
    this.#stream = stream;
    this.#now = now;
    this.#last = now();
  }

  show(line: string): void {
    const terminal = this.#stream.isTTY === true;
    if (this.#now() - this.#last < (terminal ? MOST_OFTEN_MS : ELSEWHERE_MS)) return;
    this.#last = this.#now();
    this.#stream.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
    this.#shown = terminal;
  }

  /** To be called before anything else is written. */
  clear(): void {
    if (this.#shown) this.#stream.write('\r\u001b[K');
    this.#shown = false;
  }
}
