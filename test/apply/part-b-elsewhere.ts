/** Cases of part B of the corpus of apply behaviours that have no test beside this file: why they cannot occur, or who holds them. */
export const ELSEWHERE: Record<number, string> = {
  33: 'there are no health expressions: health is computed by rules of the kinds and the generic conditions (agent/core/health.test.ts)',
  34: 'there is no list of health checks: every object of a placement counts, a missing one is NOT_FOUND by name (test B32), and what a rollout makes of it is the hub’s (hub/core)',
  36: 'dependencies are placements, checked for existence and circles in the repository (proto/fleet-model.test.ts); their order is held by agent/core/orders.test.ts and test/integration/agent.test.ts',
  38: 'YAML, overlays and values are the renderer’s: render/**/*.test.ts, and end to end test/e2e/bad-input.test.ts; values are inserted by kind, there is no text substitution',
  39: 'SOPS is not supported: an encrypted Secret is refused by name before anything is applied (render/objects.test.ts)',
  40: 'a placement refers to its own repository alone, there is no source of another namespace; what it may touch is bounded by `allow` (agent/core/tenancy.test.ts)',
};
