import { LIMITS } from '#proto/limits.ts';
import type { Status } from '#proto/messages.ts';

/** A status without what is given when it is sent. */
export type StatusContent = Omit<Status, 'v' | 'cluster' | 'placement' | 'seq' | 'at'>;

/**
 * The text of a status that fits one message. Lists are cut to their limits first, then halved (objects before drifts) until the
 * message is small enough; what was cut is added to `truncated`.
 * Law: the result is below `LIMITS.messageBytes`, and shown + truncated is the same before and after.
 */
export function fitStatus(status: Status, most: number = LIMITS.messageBytes): string {
  let shown = cut(status, LIMITS.objects, LIMITS.drifts);
  let text = JSON.stringify(shown);
  while (Buffer.byteLength(text) >= most) {
    const { objects, drifts } = shown;
    if (objects.length > 0) shown = cut(shown, objects.length >> 1, drifts.length);
    else if (drifts.length > 0) shown = cut(shown, 0, drifts.length >> 1);
    else break;
    text = JSON.stringify(shown);
  }
  return text;
}

function cut(status: Status, objects: number, drifts: number): Status {
  return {
    ...status,
    objects: status.objects.slice(0, objects),
    drifts: status.drifts.slice(0, drifts),
    truncated: {
      objects: status.truncated.objects + Math.max(0, status.objects.length - objects),
      drifts: status.truncated.drifts + Math.max(0, status.drifts.length - drifts),
    },
  };
}
