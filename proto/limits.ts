/** Sizes that both sides keep: whoever sends stays below them, whoever reads refuses above them. */
export const LIMITS = {
  /** One message on the bus, bytes (NATS' default max_payload is 1 MiB). */
  messageBytes: 900_000,
  /** Field drifts in one status; the rest is counted in `truncated`. */
  drifts: 100,
  /** Objects listed in one status; the rest is counted. */
  objects: 2_000,
  /** Text of one fault or reason, characters. */
  text: 1_000,
  /** One document of the fleet repo, bytes. */
  documentBytes: 1_000_000,
  /** JSON of one live or desired field value in drift, characters. */
  value: 2_000,
} as const;

/** Cuts text that came from elsewhere to what a message carries. */
export function clip(text: string, most: number = LIMITS.text): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
