import type { Strategy } from '#proto/stages.ts';
import type { Draft } from './draft.ts';
import { abort } from './failing.ts';
import { gateKey, questionOf, validApprovals } from './gates.ts';
import { type Command, type Refused, refuse, who } from './order.ts';
import type { Stage } from './state.ts';

/** A stage of the line by its name. */
export function stageNamed({ line, facts }: Draft, name: string): Stage | Refused {
  const names = facts.strategy.stages.map((stage) => stage.name);
  return (
    line.stages.find((stage) => stage.name === name) ??
    refuse('unknown-stage', `${facts.placement} has no stage ${name}; it has ${names.join(', ')}`)
  );
}

/** An approval, or a denial, of the first gate of a stage that waits for one of this person (design/30, rule 6). */
export function decide(
  draft: Draft,
  order: Extract<Command, { kind: 'approve' | 'deny' }>,
): Refused | undefined {
  const stage = stageNamed(draft, order.stage);
  if ('refused' in stage) return stage;
  const { work, name } = stage;
  const { placement, strategy } = draft.facts;
  if (!work)
    return refuse('nothing-waits', `${name} of ${placement} works on nothing that could be approved`);
  if (order.version !== undefined && order.version !== work.version)
    return refuse('nothing-waits', `${name} of ${placement} works on ${work.version.slice(0, 12)}`);
  const open = approvalGates(strategy, stage).filter(({ key }) => work.gates[key]?.openedAt === undefined);
  if (open.length === 0) return refuse('nothing-waits', `no gate of ${name} waits for an approval`);
  const mine = open.filter(({ spec }) => spec.groups.some((group) => order.groups.includes(group)));
  if (mine.length === 0) {
    const groups = [...new Set(open.flatMap(({ spec }) => spec.groups))].join(' or ');
    return refuse('not-in-group', `${order.by} is in none of the groups that may: ${groups}`);
  }
  if (order.kind === 'deny') {
    const { version } = work;
    const { counts } = abort(draft, version);
    const gate = mine[0]!.key;
    draft.event({
      what: 'denied',
      stage: name,
      revision: version,
      gate,
      ...who(order),
      ...(counts && { counts }),
    });
    return undefined;
  }
  const validOf = ({ spec, key }: (typeof mine)[number]) =>
    validApprovals(draft, spec, work.gates[key]?.approvals ?? []);
  const lacking = mine.filter((gate) => validOf(gate).length < (gate.spec.count ?? 1));
  if (lacking.length === 0)
    return refuse(
      'nothing-waits',
      `${name} of ${placement} has all approvals: it goes on once nothing holds it`,
    );
  const before = stage.passed.at(-1);
  const authors = draft.versions.authors(before, work.version);
  const given = lacking.find((gate) => !validOf(gate).some(({ by }) => by === order.by));
  if (!given) return refuse('already-approved', `${order.by} has approved this already`);
  const names = [order.by, ...(order.emails ?? [])].map((name) => name.toLowerCase());
  if (given.spec.notAuthor && [...authors].some((author) => names.includes(author.toLowerCase())))
    return refuse('own-commit', `${order.by} wrote one of the commits: somebody else has to approve`);
  const gate = work.gates[given.key] ?? {};
  const approval = {
    by: order.by,
    groups: order.groups,
    ...(order.reason !== undefined && { reason: order.reason }),
    at: draft.now,
    atHub: draft.hub,
  };
  const others = (gate.approvals ?? []).filter(({ by }) => by !== order.by);
  draft.setWork(name, {
    gates: {
      ...work.gates,
      [given.key]: { ...gate, of: given.question, approvals: [...others, approval] },
    },
  });
  draft.event({ what: 'approved', stage: name, revision: work.version, gate: given.key, ...who(order) });
  return undefined;
}

function approvalGates(strategy: Strategy, { name }: Stage) {
  const spec = strategy.stages.find((stage) => stage.name === name);
  return (['before', 'after'] as const).flatMap((when) =>
    (spec?.[when] ?? []).flatMap(({ approval }, index) =>
      approval ? [{ key: gateKey(when, index), spec: approval, question: questionOf({ approval }) }] : [],
    ),
  );
}
