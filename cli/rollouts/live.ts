import type { Surroundings } from '../verb.ts';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** Some lines at the end of a terminal that are drawn over and over. What was there last stays when it ends, and the cursor is back. */
export class Live {
  readonly #around: Pick<Surroundings, 'out'>;
  #height = 0;
  #isShown = false;

  constructor(around: Pick<Surroundings, 'out'>) {
    this.#around = around;
  }

  draw(lines: readonly string[]): void {
    const up = this.#height > 0 ? `\u001b[${this.#height}A` : '';
    const text = lines.map((line) => `\u001b[2K${line}\n`).join('');
    this.#around.out(`${this.#isShown ? '' : HIDE_CURSOR}${up}\r${text}\u001b[J`);
    this.#isShown = true;
    this.#height = lines.length;
  }

  /** After the terminal has got another size, lines may have been folded: nothing is where it was drawn. */
  clear(): void {
    if (this.#isShown) this.#around.out('\u001b[2J\u001b[H');
    this.#height = 0;
  }

  end(): void {
    if (this.#isShown) this.#around.out(SHOW_CURSOR);
    this.#isShown = false;
  }
}
