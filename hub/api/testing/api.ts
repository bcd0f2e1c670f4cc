import { auditOf } from '../../core/testing/audit.ts';
import {
  deployment,
  drifted,
  event,
  heartbeat,
  hello,
  iso,
  leaving,
  oid,
  START,
  status,
  viewOf,
  withLines,
} from '../../core/view/testing/fleet.ts';
import { byEnv, rolling } from '../../core/view/testing/rolling.ts';
import type { ReadModel } from '../../core/view.ts';
import type { Operations } from '../../operations/types.ts';
import { createGraphql, type GraphqlOptions } from '../graphql.ts';

export type Answer = {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers have the shape that the query of the test asks for
  data: any;
  errors?: { message: string; extensions?: { code?: string } }[];
};

/** For tests that order nothing. */
export const NO_OPERATIONS: Operations = {
  order: async () => {
    throw new Error('nothing is ordered here');
  },
  denied: async () => undefined,
};

/** The API over a view, without a socket. */
export function apiOf(view: ReadModel, more: Partial<GraphqlOptions> = {}) {
  const hidden: object[] = [];
  const log = { error: (details: object) => void hidden.push(details), info: () => undefined };
  const closing = new AbortController();
  const yoga = createGraphql({
    view,
    audit: auditOf(),
    version: '9.9.9',
    closing: closing.signal,
    log,
    operations: NO_OPERATIONS,
    ...more,
  });
  const url = 'http://127.0.0.1/graphql';
  const post = (body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    yoga.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    });
  const ask = async (query: string, variables: object = {}, token?: string): Promise<Answer> => {
    const response = await post({ query, variables }, token ? { authorization: `Bearer ${token}` } : {});
    return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) };
  };
  /** The data of a query that must not fail. */
  const data = async (query: string, variables: object = {}, token?: string) => {
    const answer = await ask(query, variables, token);
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer.data;
  };
  return { yoga, url, post, ask, data, hidden, closing };
}

/** A small fleet with something of everything that can be asked about. */
export function acme(): ReadModel {
  const view = viewOf({
    clusters: {
      'dev-eu-1': { labels: { env: 'dev', region: 'eu' } },
      'prod-eu-1': { labels: { env: 'prod', region: 'eu' } },
      'prod-us-1': { labels: { env: 'prod', region: 'us' }, spec: { mode: 'observe' } },
    },
    placements: {
      platform: { labels: { team: 'platform' }, spec: { runbook: 'https://acme.example/platform' } },
      shop: {
        labels: { team: 'shop' },
        on: ['prod-eu-1', 'prod-us-1'],
        spec: { dependsOn: ['platform'] },
      },
    },
    problems: [
      {
        code: 'document-invalid',
        severity: 'warning',
        message: 'clusters/x.yaml:4:3: unknown key spec.mod; did you mean mode?',
        suggestion: 'mode',
        source: { file: 'clusters/x.yaml', line: 4, column: 3 },
        cluster: 'prod-eu-1',
        placement: 'shop',
        since: START,
      },
    ],
  });
  for (const cluster of ['dev-eu-1', 'prod-eu-1', 'prod-us-1']) {
    view.onHello(
      hello(cluster, {
        facts: {
          kubernetesVersion: 'v1.36.3',
          distribution: 'k3s',
          provider: 'aws',
          nodeCount: 3,
          uid: 'c0ffee',
          agentVersion: '0.1.0',
        },
      }),
      START,
    );
    view.onStatus(status(cluster, 'platform'), START);
  }
  view.onStatus(
    status('prod-us-1', 'shop', {
      health: ['FAILED', 'web: crash loop'],
      sync: ['AWAITING_APPROVAL', '1 object is to be deleted'],
      objects: [deployment({ images: ['nginx@sha256:abc'] })],
    }),
    START,
  );
  view.onStatus(
    status('prod-eu-1', 'shop', {
      drift: ['DRIFTED', '2 fields'],
      drifts: [
        drifted({ subresource: 'scale' }),
        drifted({ kind: 'EXTRA', path: '/metadata/labels/owner', manager: null, operation: null }),
      ],
      objects: [
        deployment({ drift: 'DRIFTED', healthReason: 'ready', error: 'quota', action: 'failed' }),
        deployment({ id: '/Namespace//shop', apiVersion: 'v1', images: [] }),
      ],
    }),
    START,
  );
  view.onHeartbeat(heartbeat('prod-eu-1', [{ code: 'kube-forbidden', message: 'secrets' }]), START);
  view.onEvent(event('prod-eu-1', { at: iso(START - 5_000) }), START);
  view.onEvent(event('prod-us-1', { type: 'APPLY_FAILED', at: iso(START - 1_000) }), START);
  const seen = { type: 'DRIFT_DETECTED', drift: drifted(), at: iso(START - 500) } as const;
  view.onEvent(event('prod-eu-1', seen), START);
  view.setBus({ ok: true, lastOkAt: START, message: 'connected' });
  view.setLeader('hub-1');
  view.setGit({ ok: true, lastOkAt: START, message: 'reached' });
  const legacy = leaving(view.state.fleet.lines.platform!, 'dev-eu-1');
  view.setState(withLines(view.state, { legacy }), undefined);
  view.tick(START + 1_000);
  return view;
}

const APPROVAL = { groups: ['platform-oncall'], count: 2, notAuthor: true, expires: '1h' };

/**
 * The same fleet in the middle of a change: `platform` waits for a second approval before prod and is paused; `shop` soaks; eu is
 * frozen, one cluster held.
 */
export function acmeRolling(view: ReadModel = acme()) {
  const dev = { name: 'dev', selector: {}, after: [{ soak: '10m' }] };
  const standard = byEnv(dev, { name: 'prod', selector: {}, before: [{ approval: APPROVAL }] });
  const fleet = rolling(
    view,
    {
      platform: { spec: standard },
      shop: { spec: { stages: [{ ...dev, name: 'all', after: [{ soak: '1h' }] }] }, on: ['prod-eu-1'] },
    },
    START,
  );
  const { pass, order, world } = fleet;
  fleet.go('middle', ['platform']);
  pass(15 * 60_000);
  const approve = (by: string) =>
    order({
      placement: 'platform',
      order: { kind: 'approve', stage: 'prod', by, groups: ['platform-oncall'], reason: 'looks good' },
    });
  approve('bob');
  approve('carol');
  pass(60_000);
  order({ kind: 'hold', cluster: 'prod-us-1', by: 'bob', reason: 'repair' });
  fleet.go('head');
  pass(15 * 60_000);
  approve('bob');
  order({
    placement: 'platform',
    order: { kind: 'pause', by: 'carol', reason: 'a release party', until: world.now + 3_600_000 },
  });
  order({
    kind: 'freeze',
    whom: { selector: { matchLabels: { region: 'eu' } } },
    by: 'dora',
    reason: 'Black Friday',
    until: world.now + 86_400_000,
  });
  return { view, ...fleet };
}

/** The same fleet after `placements/retired.yaml` was deleted: what runs of it waits for an approval. */
export function acmeHolding(): ReadModel {
  const view = acme();
  const index = view.index!;
  const { document, strategy } = index.placements.get('platform')!;
  const versions = [{ revision: oid('head'), at: 1, contents: new Map(), authors: [] }];
  const metadata = { name: 'retired' };
  const gone = { document: { ...document, metadata }, file: 'placements/retired.yaml', strategy, versions };
  view.setIndex({ ...index, retired: new Map([['retired', gone]]) });
  const { platform } = view.state.fleet.lines;
  const clusters = ['dev-eu-1', 'prod-eu-1'];
  const targets = Object.fromEntries(clusters.map((name) => [name, platform!.targets['dev-eu-1']!]));
  const held = { setHash: '0123456789abcdef', since: START - 60_000, leaving: 2, left: 1, of: 3, clusters };
  const state = withLines(view.state, { retired: { ...platform!, targets } });
  view.setState({ ...state, removals: { retired: { held } } }, undefined);
  view.onStatus(status('dev-eu-1', 'retired'), START);
  return view;
}
