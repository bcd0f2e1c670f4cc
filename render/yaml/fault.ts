/** Lines and columns counted from 1. */
export type Position = { line: number; column: number };

/** What is wrong with YAML text, and where. It names no file, because one content can stand in many. */
export class YamlFault extends Error {
  override readonly name = 'YamlFault';
  readonly at: Position;
  constructor(message: string, at: Position, options: { cause?: unknown } = {}) {
    super(message, options);
    this.at = at;
  }
}
