/** An external program cannot be obtained, or the place for it cannot be used. The message is for people. */
export class ToolsError extends Error {
  override readonly name = 'ToolsError';
  /** The same word as in the fault catalogue; this room imports nothing of the product. */
  readonly code = 'tool-unavailable';
}
