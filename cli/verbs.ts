import type { Verb } from './verb.ts';

/** Loaded only when named, so that `--help` and mistakes cost nothing. */
export const VERBS: Readonly<Record<string, { summary: string; load: () => Promise<Verb> }>> = {
  validate: {
    summary: 'tell everything that is wrong with a fleet repo',
    load: async () => (await import('./verbs/validate.ts')).validate,
  },
  plan: {
    summary: 'which clusters a change reaches, in which stage, and why',
    load: async () => (await import('./verbs/plan.ts')).plan,
  },
  diff: {
    summary: 'what a change renders to, before and after',
    load: async () => (await import('./verbs/diff.ts')).diff,
  },
  rehearse: {
    summary: 'play a change through the fleet in virtual time',
    load: async () => (await import('./verbs/rehearse.ts')).rehearse,
  },
  render: {
    summary: 'render what a cluster is given, or one overlay',
    load: async () => (await import('./verbs/render.ts')).render,
  },
  describe: {
    summary: 'what the fleet repo says of a cluster or a placement',
    load: async () => (await import('./verbs/describe.ts')).describe,
  },
  why: {
    summary: 'why a cluster is given a placement, or is not',
    load: async () => (await import('./verbs/why.ts')).why,
  },
  init: {
    summary: 'write a small fleet repo that works',
    load: async () => (await import('./verbs/init.ts')).init,
  },
  cluster: {
    summary: 'add the entry of a cluster',
    load: async () => (await import('./verbs/cluster.ts')).cluster,
  },
  chart: {
    summary: 'put a Helm chart into the fleet repo, with a lock: chart vendor',
    load: async () => (await import('./verbs/chart.ts')).chart,
  },
  schema: {
    summary: 'print the JSON Schema of a kind of document',
    load: async () => (await import('./verbs/schema.ts')).schema,
  },
  status: {
    summary: 'how the fleet is: head, counts, what is not well, what is to be mended',
    load: async () => (await import('./verbs/status.ts')).status,
  },
  get: {
    summary: 'list clusters, placements, assignments, rollouts, changes or approvals',
    load: async () => (await import('./verbs/get.ts')).get,
  },
  rollout: {
    summary:
      'how far a rollout is: status, watch; and what is to be done with it: pause, resume, retry, abort, rollback, expedite',
    load: async () => (await import('./verbs/rollout.ts')).rollout,
  },
  approve: {
    summary: 'approve what a stage waits for',
    load: async () => (await import('./verbs/approve.ts')).approve,
  },
  deny: {
    summary: 'deny it: that aborts the rollout',
    load: async () => (await import('./verbs/approve.ts')).deny,
  },
  pin: {
    summary: 'keep clusters at a commit, whatever the rollouts do',
    load: async () => (await import('./verbs/standing.ts')).pin,
  },
  unpin: { summary: 'end a pin', load: async () => (await import('./verbs/standing.ts')).unpin },
  freeze: {
    summary: 'let nothing new start on clusters',
    load: async () => (await import('./verbs/standing.ts')).freeze,
  },
  unfreeze: { summary: 'end a freeze', load: async () => (await import('./verbs/standing.ts')).unfreeze },
  hold: {
    summary: 'let nothing be written on a cluster',
    load: async () => (await import('./verbs/standing.ts')).hold,
  },
  release: { summary: 'end a hold', load: async () => (await import('./verbs/standing.ts')).release },
  drift: {
    summary: 'fields whose live value is not the one in Git: who changed them, and when',
    load: async () => (await import('./verbs/drift.ts')).drift,
  },
  hub: {
    summary: 'set up a hub on this machine, its keys and tokens: hub init, hub token',
    load: async () => (await import('./verbs/hub.ts')).hub,
  },
  audit: {
    summary: 'what people ordered and what rollouts did, and why',
    load: async () => (await import('./verbs/audit.ts')).audit,
  },
  history: {
    summary: 'what a cluster ran, and when',
    load: async () => (await import('./verbs/history.ts')).history,
  },
  agent: {
    summary: 'one pass of the apply engine over a directory, without hub: agent once',
    load: async () => (await import('./verbs/agent.ts')).agent,
  },
  version: {
    summary: 'versions of this program and of the hub',
    load: async () => (await import('./verbs/version.ts')).version,
  },
};
