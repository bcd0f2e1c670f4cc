import { decided, heartbeat, hello, START, snapshot, status, viewOf } from '../core/view/testing/fleet.ts';
import { apiOf } from './testing/api.ts';

const N = 10_000;
const names = Array.from({ length: N }, (_, i) => `c${String(i).padStart(5, '0')}`);
const told = {
  clusters: Object.fromEntries(
    names.map((n, i) => [n, { labels: { env: i % 3 ? 'prod' : 'dev', region: `r${i % 9}` } }]),
  ),
  placements: { a: {}, b: {}, c: {} },
};
const t = (what: string, f: () => unknown) => {
  const s = performance.now();
  const r = f();
  const done = () => console.log(what, (performance.now() - s).toFixed(1), 'ms');
  if (r instanceof Promise) return r.then(done);
  done();
};
let view: any;
t('build', () => {
  view = viewOf(told);
});
t('hello', () => {
  for (const n of names) view.onHello(hello(n), START);
});
t('30k statuses', () => {
  for (const n of names) for (const p of ['a', 'b', 'c']) view.onStatus(status(n, p), START);
});
t('heartbeats', () => {
  for (const n of names) view.onHeartbeat(heartbeat(n), START);
});
t('tick', () => view.tick(START + 1000));
const idx = snapshot(told);
t('setIndex', () => view.setIndex(idx));
t('setState new', () => view.setState(decided(idx, 1)));
const { data } = apiOf(view);
for (const [n, q] of [
  ['page', '{ clusters(first: 100) { totalCount nodes { name status { headline } } } }'],
  [
    'worst+facets',
    '{ clusters(first: 50, orderBy: {field: HEADLINE, direction: ASC}) { totalCount statusCounts { headline count } facets(keys:["env","region"]) { key values { value count } } nodes { name } } }',
  ],
  ['assignments', '{ assignments(first: 100) { totalCount revisionCounts { count } nodes { path } } }'],
  ['drift', '{ drift { totalCount } }'],
  ['images', '{ images { clusterCount } }'],
  ['groups', '{ clusterGroups(by:["env","region"]) { count } }'],
]) {
  await data(q!);
  await t(n!, () => data(q!));
}
console.log('rss', (process.memoryUsage().rss / 1e6).toFixed(0), 'MB');
