import { z } from 'zod';
import { FlotillaError } from '#proto/faults.ts';
import { clip } from '#proto/limits.ts';
import type { WebhookRequest } from '#rollouts/events.ts';
import type { Answer } from '#rollouts/facts.ts';
import type { Reply } from './post.ts';

/** What is sent and what is expected back: docs/rollouts.md, "Webhooks". */
export type WebhookOrder = WebhookRequest & { readonly placement: string };

export function bodyOf({ id, placement, stage, when, version, previous, authors }: WebhookOrder): string {
  return JSON.stringify({
    v: 1,
    id,
    placement,
    stage,
    when,
    version,
    ...(previous !== undefined && { previous }),
    authors,
  });
}

const answer = z.object({ answer: z.enum(['yes', 'no']), message: z.string().optional() });

/**
 * Yes or no, from a 200 with JSON. Nothing else that came is repeated to anybody: it may be anything that the address serves.
 * @throws FlotillaError webhook-failed
 */
export function answerOf({ status, body }: Reply): Answer {
  const failed = (why: string) => new FlotillaError('webhook-failed', why);
  if (status >= 300 && status < 400) throw failed(`HTTP ${status}: redirects are not followed`);
  if (status !== 200) throw failed(`HTTP ${status}`);
  const read = answer.safeParse(jsonOf(body));
  if (!read.success) throw failed('the answer is not {"answer": "yes" or "no", "message": text}');
  const { answer: says, message } = read.data;
  return { says, ...(message !== undefined && message !== '' && { message: clip(message) }) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // it is told as an answer that is none
  }
}
