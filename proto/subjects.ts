/**
 * Subjects and streams of design/20-protocol. An agent may publish `up.<cluster>.>` and subscribe `down.<cluster>.>`,
 * nothing else. Names are DNS-1123 labels and therefore single NATS tokens.
 */
export const up = {
  status: (cluster: string, placement: string) => `up.${cluster}.status.${placement}`,
  event: (cluster: string) => `up.${cluster}.event`,
  hello: (cluster: string) => `up.${cluster}.hello`,
  heartbeat: (cluster: string) => `up.${cluster}.hb`,
  response: (cluster: string, id: string) => `up.${cluster}.rsp.${id}`,
} as const;

export const down = {
  desired: (cluster: string) => `down.${cluster}.desired`,
  rpc: (cluster: string, verb: RpcVerb) => `down.${cluster}.rpc.${verb}`,
  jwt: (cluster: string) => `down.${cluster}.jwt`,
  all: (cluster: string) => `down.${cluster}.>`,
} as const;

export type RpcVerb = 'status' | 'resync';

/** Where the hub writes a desired document; the stream republishes it to `down.<cluster>.desired`. */
export const desiredSubject = (cluster: string) => `desired.${cluster}`;

/** What was done and decided: `audit.<kind>.<placement or id>`. Hub only. */
export const auditSubject = (kind: string, about: string) => `audit.${kind}.${about}`;
/** Attempts that ended on a cluster. Hub only. */
export const historySubject = (cluster: string, placement: string) => `history.${cluster}.${placement}`;

export const STREAMS = {
  desired: 'DESIRED',
  status: 'STATUS',
  events: 'EVENTS',
  audit: 'AUDIT',
  history: 'HISTORY',
} as const;
export const HUB_STATE_BUCKET = 'hub-state';

/** The cluster token of an `up.…` or `down.…` subject. Answers are addressed by it, never by a reply subject. */
export function clusterOf(subject: string): string {
  return subject.split('.', 2)[1] ?? '';
}

/** The rest of an `up.<cluster>.` subject: `hello`, `hb`, `event`, `status.<placement>`, `rsp.<id>`. */
export function tailOf(subject: string): string {
  return subject.split('.').slice(2).join('.');
}
