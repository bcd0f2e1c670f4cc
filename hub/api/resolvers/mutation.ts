import { PHASES, type Phase } from '#rollouts/phase.ts';
import { SKIPS, type Skip } from '#rollouts/state.ts';
import type { Asked } from '../../operations/asked.ts';
import { type Decided, decide } from '../../operations/decisions.ts';
import { Desk } from '../../operations/desk.ts';
import { orderRollout, type RolloutName, type RolloutOrder } from '../../operations/rollout-orders.ts';
import * as standing from '../../operations/standing-orders.ts';
import { type Fault, invalid, type Outcome } from '../../operations/types.ts';
import type { ApiContext } from '../context.ts';
import { readId } from '../ids.ts';
import { type Resolver, wordOf } from './shared.ts';

type Mutation<I> = Resolver<unknown, { readonly input: I }>;
type Given<T> = T | null | undefined;
type Named = { readonly rolloutId: string; readonly expectedPhase?: Given<string>; readonly reason: string };

const deskOf = ({ view, viewer, operations, closing }: ApiContext) =>
  new Desk(viewer, view, operations, closing);

function rolloutOf(id: string): RolloutName {
  const read = readId(id);
  const [placement, version] = read?.parts ?? [];
  if (read?.type !== 'Rollout' || placement === undefined || version === undefined) return undefined;
  return { placement, version };
}

const PHASE_OF = new Map<string, Phase>(PHASES.map((phase) => [wordOf(phase), phase]));
const SKIP_OF = new Map<string, Skip>(SKIPS.map((skip) => [wordOf(skip), skip]));

type Details<O> = O extends RolloutOrder ? Omit<O, 'rollout' | 'expectedPhase' | 'reason'> : never;
async function aboutRollout(
  { rolloutId, expectedPhase, reason }: Named,
  details: Details<RolloutOrder>,
  context: ApiContext,
) {
  const expected = expectedPhase == null ? undefined : PHASE_OF.get(expectedPhase);
  const order = { rollout: rolloutOf(rolloutId), expectedPhase: expected, reason, ...details };
  const { done, faults } = await orderRollout(deskOf(context), order);
  return { rollout: done, errors: faults };
}

const simple = (kind: 'resume' | 'retry' | 'abort' | 'rollback') =>
  ((_, { input }, context) => aboutRollout(input, { kind }, context)) as Mutation<Named>;

async function affecting(outcome: Promise<Outcome<standing.Affected>>) {
  const { done, faults } = await outcome;
  return { affectedClusters: done?.affectedClusters ?? 0, errors: faults };
}

type DecisionInput = {
  readonly approvalId?: Given<string>;
  readonly changeId?: Given<string>;
  readonly stage?: Given<string>;
  readonly approve: boolean;
  readonly reason: string;
};

/** @throws Declined where neither an approval is named, nor a change with a stage */
function decidedOf({ approvalId, changeId, stage }: DecisionInput): Decided {
  const isWhole = changeId != null && stage != null;
  if ((approvalId == null) !== isWhole || (approvalId != null && (changeId ?? stage) != null))
    throw invalid('argument-invalid', 'approvalId', 'takes either approvalId, or changeId and stage');
  const read = readId(approvalId ?? changeId!);
  const [first = '', placement = '', third = '', fourth = '', gate = ''] = read?.parts ?? [];
  if (isWhole) return read?.type === 'Change' ? { change: first, stage: stage! } : undefined;
  if (read?.type !== 'Approval') return undefined;
  if (first === 'STAGE') return { approval: { placement, version: third, stage: fourth, gate } };
  return { removal: { placement, setHash: third } };
}

type Until = { readonly reason: string; readonly expiresAt: number };

const Mutation = {
  pauseRollout: ((_, { input }, context) =>
    aboutRollout(input, { kind: 'pause', expiresAt: input.expiresAt ?? undefined }, context)) as Mutation<
    Named & { readonly expiresAt?: Given<number> }
  >,
  resumeRollout: simple('resume'),
  retryRollout: simple('retry'),
  abortRollout: simple('abort'),
  rollBackRollout: simple('rollback'),
  expediteRollout: ((_, { input }, context) => {
    const skips = input.skip.map((word) => SKIP_OF.get(word)!);
    return aboutRollout(input, { kind: 'expedite', stages: input.stages, skips }, context);
  }) as Mutation<Named & { readonly stages: readonly string[]; readonly skip: readonly string[] }>,
  decideApproval: (async (_, { input }, context) => {
    const { approve, reason } = input;
    const { done = [], faults } = await decide(deskOf(context), {
      of: () => decidedOf(input),
      approve,
      reason,
    });
    return { approvals: done, errors: faults };
  }) as Mutation<DecisionInput>,
  pin: ((_, { input }, context) => affecting(standing.pin(deskOf(context), input))) as Mutation<
    Asked & Until & { readonly placement: string; readonly revision: string }
  >,
  unpin: ((_, { input }, context) => affecting(standing.unpin(deskOf(context), input))) as Mutation<
    Asked & { readonly placement: string; readonly reason: string }
  >,
  freeze: ((_, { input }, context) => affecting(standing.freeze(deskOf(context), input))) as Mutation<
    Until & { readonly selector: string }
  >,
  unfreeze: ((_, { input }, context) => affecting(standing.unfreeze(deskOf(context), input))) as Mutation<{
    readonly selector: string;
    readonly reason: string;
  }>,
  hold: ((_, { input }, context) => affecting(standing.hold(deskOf(context), input))) as Mutation<
    Until & { readonly cluster: string }
  >,
  release: ((_, { input }, context) => affecting(standing.release(deskOf(context), input))) as Mutation<{
    readonly cluster: string;
    readonly reason: string;
  }>,
  resumeHub: ((_, { input }, context) => affecting(standing.resumeHub(deskOf(context), input))) as Mutation<{
    readonly reason: string;
  }>,
};

export const mutationResolvers = {
  Mutation,
  OperationError: { __resolveType: ({ kind }: Fault) => `${kind}Error` },
  UserError: { __resolveType: ({ kind }: Fault) => `${kind}Error` },
  ForbiddenError: {
    requiredPermission: (({ requiredPermission }) => wordOf(requiredPermission)) as Resolver<
      Extract<Fault, { kind: 'Forbidden' }>
    >,
  },
  ConflictError: {
    currentPhase: (({ currentPhase }) => currentPhase && wordOf(currentPhase)) as Resolver<
      Extract<Fault, { kind: 'Conflict' }>
    >,
  },
};
