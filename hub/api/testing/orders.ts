import type { Access } from '#proto/documents/access.ts';
import { FlotillaError } from '#proto/faults.ts';
import { parseSelector } from '#proto/selector.ts';
import type { Viewer } from '../../access/viewer.ts';
import { oid, START, viewOf } from '../../core/view/testing/fleet.ts';
import { byEnv, rolling } from '../../core/view/testing/rolling.ts';
import { idOf } from '../ids.ts';
import { apiOf } from './api.ts';

const GATE = { approval: { groups: ['oncall'], count: 2, notAuthor: true } };
export const LATER = new Date(START + 3_600_000).toISOString();

const rule = (
  groups: string[],
  permissions: Access['spec']['rules'][number]['permissions'],
  clusters = '',
) => ({
  groups,
  permissions,
  clusters: parseSelector(clusters),
});
const ACCESS: Access = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Access',
  metadata: { name: 'people' },
  spec: {
    rules: [
      rule(['ops'], ['pause', 'rollback', 'expedite', 'pin', 'freeze', 'hold']),
      rule(['oncall'], ['approve']),
      rule(['dev'], ['freeze', 'pin', 'hold', 'approve'], 'env=dev'),
    ],
  },
};
const person = (subject: string, groups: string[], emails = [`${subject}@acme.example`]): Viewer => ({
  subject,
  groups,
  emails,
});
export const PEOPLE: Record<string, Viewer> = {
  root: person('root', ['flotilla:admin']),
  olga: person('olga', ['ops']),
  alice: person('alice', ['oncall']),
  bob: person('bob', ['oncall']),
  ada: person('ada', ['oncall'], ['ADA@acme.example']),
  anon: person('anon', ['oncall'], []),
  dave: person('dave', ['dev', 'oncall']),
  dora: person('dora', ['dev']),
};

/** What looks like a token of one of them; where nothing looks at it, the name alone is one. */
export const tokenOf = (name: string) => `flotilla_${name}_${'x'.repeat(43)}`;

/** shop and web go dev → prod with an approval before prod; `two` is under way and waits there. */
export function orders() {
  const view = viewOf({
    clusters: {
      'dev-1': { labels: { env: 'dev' } },
      'prod-1': { labels: { env: 'prod' } },
      'prod-2': { labels: { env: 'prod' } },
    },
    placements: { shop: { labels: { team: 'shop' } }, web: {} },
    history: ['two', 'readme', 'first'],
  });
  const snapshot = view.index!;
  const effective = {
    document: ACCESS,
    file: 'access/people.yaml',
    revision: snapshot.head.oid,
    invalid: false,
  };
  view.setIndex({ ...snapshot, access: new Map([['people', effective]]) });
  const spec = byEnv({ name: 'dev', selector: {} }, { name: 'prod', selector: {}, before: [GATE] });
  const run = rolling(view, { shop: { spec }, web: { spec } }, START);
  run.go('two', ['shop', 'web'], ['Ada', 'ada@acme.example']);
  run.pass(120_000);
  view.tick(run.world.now);
  const authenticate = (token: string) => {
    const viewer = PEOPLE[token.split('_')[1] ?? token];
    if (viewer) return viewer;
    throw new FlotillaError('token-invalid', 'token is unknown to this hub');
  };
  const api = apiOf(view, { operations: run.operations, authenticate });
  /** Gives an order, and answers what its payload says. */
  const order = async (call: string, who?: string) => (await api.data(mutationOf(call), {}, who)).it;
  /** All that orders may change; time goes by in any case. */
  const decided = () => {
    const { lines, freezes, holds } = run.world.state;
    return JSON.stringify([lines, freezes, holds]);
  };
  return { ...run, ...api, view, order, decided, authenticate };
}

const ROLLOUT = 'rollout { phase }';
const RESULTS: Record<string, string> = {
  pauseRollout: ROLLOUT,
  resumeRollout: ROLLOUT,
  retryRollout: ROLLOUT,
  abortRollout: ROLLOUT,
  rollBackRollout: ROLLOUT,
  expediteRollout: ROLLOUT,
  decideApproval: 'approvals { state decisions { by reason } }',
};
const ERRORS = `errors {
  __typename
  ... on UserError { message code }
  ... on ForbiddenError { requiredPermission }
  ... on ConflictError { currentPhase }
  ... on InvalidError { field }
}`;

/** `hold cluster: "a" reason: "b"` as a mutation that asks for everything that it answers. */
export function mutationOf(call: string): string {
  const [name = '', ...input] = call.split(' ');
  return `mutation { it: ${name}(input: { ${input.join(' ')} }) { ${RESULTS[name] ?? 'affectedClusters'} ${ERRORS} } }`;
}

export const SHOP = idOf('Rollout', 'shop', oid('two'));
export const FIRST = idOf('Rollout', 'shop', oid('first'));
export const CHANGE = idOf('Change', oid('two'));
export const GATE_ID = idOf('Approval', 'STAGE', 'shop', oid('two'), 'prod', 'before/0');
export const WHY = 'reason: "because"';
export const UNTIL = `expiresAt: "${LATER}" ${WHY}`;
