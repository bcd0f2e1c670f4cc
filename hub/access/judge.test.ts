import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Permission } from '#proto/documents/access.ts';
import { matches, parseSelector } from '#proto/selector.ts';
import fc from '#test/laws.ts';
import { isWithin, permissionsOf, type Rule, type Touched, whyNot } from './judge.ts';
import type { Viewer } from './viewer.ts';

const rule = (groups: string[], permissions: Permission[], clusters?: string, placements?: string): Rule => ({
  groups,
  permissions,
  ...(clusters !== undefined && { clusters: parseSelector(clusters) }),
  ...(placements !== undefined && { placements: parseSelector(placements) }),
});
const RULES = [
  rule(['ops'], ['pause', 'approve']),
  rule(['dev'], ['pause', 'freeze', 'pin'], 'env=dev'),
  rule(['shop'], ['pause', 'rollback', 'hold'], undefined, 'team=shop'),
  rule(['eu'], ['approve'], 'region=eu'),
  rule(['us'], ['approve'], 'region=us'),
  rule(['root'], ['admin']),
];
const viewer = (...groups: string[]): Viewer => ({ subject: 'alice', groups, emails: [] });
const named = (name: string, labels?: Record<string, string>) => ({ name, labels });
const DEV = named('dev-eu-1', { env: 'dev', region: 'eu' });
const PROD = named('prod-us-1', { env: 'prod', region: 'us' });
const GONE = named('gone');
const SHOP = { name: 'shop', labels: { team: 'shop' } };
const WEB = { name: 'web', labels: {} };
const of = (placement: typeof SHOP | typeof WEB, ...clusters: (typeof DEV)[]): Touched => ({
  placement,
  on: { clusters },
});
const selected = (text: string, placement?: typeof SHOP): Touched => ({
  on: { selector: parseSelector(text) },
  placement,
});

const CASES: [string, Viewer | undefined, Permission, Touched, RegExp | undefined][] = [
  [
    'nobody known may nothing',
    undefined,
    'pause',
    of(SHOP, DEV),
    /who asks is not known: pause needs a token/,
  ],
  ['a group that is given it may', viewer('ops'), 'pause', of(SHOP, DEV, PROD), undefined],
  ['what is not given is refused', viewer('ops'), 'rollback', of(SHOP), /access\/ gives ops no rollback/],
  ['admin includes the others', viewer('root'), 'expedite', of(SHOP, PROD), undefined],
  ['the built-in group may everything', viewer('flotilla:admin'), 'pin', selected('env=prod'), undefined],
  [
    'a token in no group may nothing',
    viewer(),
    'pause',
    of(SHOP),
    /alice may not pause: the token is in no group/,
  ],
  ['clusters count, all of them', viewer('dev'), 'pause', of(SHOP, DEV), undefined],
  [
    'one cluster too many is one too many',
    viewer('dev'),
    'pause',
    of(SHOP, DEV, PROD),
    /no pause on cluster prod-us-1$/,
  ],
  ['groups add up', viewer('eu', 'us'), 'approve', of(SHOP, DEV, PROD), undefined],
  ['placements count', viewer('shop'), 'rollback', of(WEB, DEV), /no rollback on placement web/],
  ['a placement that is given', viewer('shop'), 'rollback', of(SHOP, PROD), undefined],
  ['a cluster without entry needs a rule for all', viewer('dev'), 'pause', of(SHOP, GONE), /on cluster gone/],
  ['a rule for all covers it', viewer('ops'), 'pause', of(SHOP, GONE), undefined],
  ['a selector within a rule', viewer('dev'), 'freeze', selected('env=dev,region=eu'), undefined],
  [
    'a selector that may come to mean more',
    viewer('dev'),
    'freeze',
    selected('region=eu'),
    /freeze on clusters of env=dev only: the selector has to say that, too/,
  ],
  ['a pin stays within, too', viewer('dev'), 'pin', selected('env in (dev,prod)', SHOP), /env=dev only/],
  [
    'whatever runs there needs a rule for all placements',
    viewer('shop'),
    'hold',
    { on: { clusters: [DEV] } },
    /hold on some placements only, and this concerns all/,
  ],
  ['nothing touched is no permission', viewer('shop'), 'approve', of(SHOP), /no approve/],
  [
    'a token may be narrower than its groups',
    { ...viewer('flotilla:admin'), only: { clusters: parseSelector('env=dev') } },
    'pause',
    of(SHOP, PROD),
    /the token alice is restricted: no pause on cluster prod-us-1/,
  ],
  [
    'a token for some permissions only',
    { ...viewer('flotilla:admin'), only: { permissions: ['approve'] } },
    'pause',
    of(SHOP, DEV),
    /the token alice is restricted: no pause/,
  ],
  [
    'a narrow token within its bounds',
    { ...viewer('ops'), only: { permissions: ['approve'], placements: parseSelector('team=shop') } },
    'approve',
    of(SHOP, DEV),
    undefined,
  ],
];
for (const [law, who, permission, touched, says] of CASES) {
  test(law, () => {
    const why = whyNot(who, permission, touched, RULES);
    if (says) assert.match(why ?? 'allowed', says);
    else assert.equal(why, undefined);
  });
}

test('without Access documents only the built-in group may anything', () => {
  assert.match(whyNot(viewer('ops'), 'pause', of(SHOP, DEV), []) ?? '', /no pause/);
  assert.equal(whyNot(viewer('flotilla:admin'), 'pause', of(SHOP, DEV), []), undefined);
});

test('what a viewer is told to have is what some rule gives it, as far as its token goes', () => {
  assert.deepEqual(permissionsOf(viewer('dev', 'ops'), RULES), ['approve', 'freeze', 'pause', 'pin']);
  assert.deepEqual(permissionsOf(viewer('flotilla:admin'), RULES), ['admin']);
  const only = { permissions: ['approve' as const] };
  assert.deepEqual(permissionsOf({ ...viewer('ops'), only }, RULES), ['approve']);
  assert.deepEqual(permissionsOf({ ...viewer('root'), only }, RULES), ['approve']);
});

const key = fc.constantFrom('a', 'b');
const value = fc.constantFrom('1', '2', '3');
const requirement = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);
const selector = fc.record({ matchExpressions: fc.array(requirement, { maxLength: 3 }) });
const labels = fc.dictionary(key, value);

test('what lies within a selector never selects anything outside of it', () => {
  fc.assert(
    fc.property(selector, selector, labels, (inner, outer, of) => {
      if (isWithin(inner, outer) && matches(inner, of)) assert.ok(matches(outer, of));
    }),
    { numRuns: 2_000 },
  );
});
