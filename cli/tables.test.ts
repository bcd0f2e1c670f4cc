import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RunningApi } from '#hub/api/server.ts';
import { acme } from '#hub/api/testing/api.ts';
import { serve } from '#hub/api/testing/serve.ts';
import { table } from './output/table.ts';
import { age, valueText } from './output/words.ts';
import { show } from './testing/hub.ts';

let api: RunningApi;
before(async () => {
  api = await serve(acme());
});
after(() => api.stop());

const TABLES: Record<string, string> = {
  'get clusters': `
NAME        STATUS       CONNECTIVITY   SYNC                DRIFT     HEALTH    SINCE   SEEN
dev-eu-1    ◐ APPLYING   CONNECTED      APPLYING            NONE      CURRENT   5m      5m
prod-eu-1   ▲ DRIFTED    CONNECTED      SYNCED              DRIFTED   CURRENT   5m      5m
prod-us-1   ✖ FAILED     CONNECTED      AWAITING_APPROVAL   NONE      FAILED    5m      5m
`,
  'get clusters -l env=dev -o wide': `
NAME       STATUS       CONNECTIVITY   SYNC       DRIFT   HEALTH    SINCE   SEEN   MODE      ASSIGNED   KUBERNETES   AGENT   LABELS              REASON
dev-eu-1   ◐ APPLYING   CONNECTED      APPLYING   NONE    CURRENT   5m      5m     ENFORCE   1          v1.36.3      0.1.0   env=dev,region=eu   legacy: is being removed
`,
  'get placements': `
NAME       CLUSTERS   OK   NOT OK   REVISION   COMMIT
platform   3          3    0        6865616    head
shop       2          0    2        6865616    head
`,
  'get assignments --placement shop': `
CLUSTER     PLACEMENT   STATUS      DESIRED   APPLIED   BEHIND   SINCE   WHY
prod-eu-1   shop        ▲ DRIFTED   6865616   6865616   0        5m      2 fields
prod-us-1   shop        ✖ FAILED    6865616   6865616   0        5m      web: crash loop
`,
  drift: `
CLUSTER     OBJECT                FIELD                    DESIRED → LIVE     WHO            WHEN
prod-eu-1   Deployment shop/web   /metadata/labels/owner   (not in Git) → 1   unknown        5m
prod-eu-1   Deployment shop/web   /spec/replicas           3 → 1              kubectl-edit   5m
`,
  'drift -l env=dev': '\n# no drift\n',
  status: `
FLEET   HEAD                                 GIT    BUS    LEADER
acme    main@6865616 "head" by Ada, 6m ago   ● ok   ● ok   hub-1

3 clusters: 1 ✖ FAILED   1 ▲ DRIFTED   1 ◐ APPLYING

NOT OK      STATUS       SINCE   SEEN   REASON
prod-us-1   ✖ FAILED     5m      5m     shop: web: crash loop
prod-eu-1   ▲ DRIFTED    5m      5m     shop: 2 fields
dev-eu-1    ◐ APPLYING   5m      5m     legacy: is being removed

TO BE MENDED         CLUSTER     SEEN   WHAT
✖ kube-rejected      prod-eu-1   5m     Deployment/shop/web: quota
✖ kube-forbidden     prod-eu-1   5m     secrets
▲ document-invalid   prod-eu-1   5m     clusters/x.yaml:4:3: unknown key spec.mod; did you mean mode?
`,
};
for (const [line, expected] of Object.entries(TABLES)) {
  test(`flotilla ${line} prints its table`, async () => {
    assert.equal(`\n${await show(api.url, line.split(' '))}`, expected);
  });
}

test('colours are there where they are wanted, and the words all the same', async () => {
  const colored = await show(api.url, ['get', 'clusters'], true);
  assert.ok(colored.includes('\u001b[31m✖ FAILED\u001b[0m     CONNECTED'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour is
  assert.equal(`\n${colored.replace(/\u001b\[\d+m/g, '')}`, TABLES['get clusters']);
});

test('text from elsewhere cannot move the cursor or break the table', () => {
  const text = table(['A', 'B'], [['x\u001b[2J\ny', 'z\u009b31m']], { color: false });
  assert.equal(text, 'A         B\nx [2J y   z 31m\n');
});

test('ages are told as kubectl tells them', () => {
  const now = Date.parse('2026-05-03T10:00:00Z');
  const ago = (seconds: number) => age(new Date(now - seconds * 1_000).toISOString(), now);
  assert.deepEqual([0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(ago), [
    '0s',
    '119s',
    '2m',
    '119m',
    '2h',
    '47h',
    '2d',
  ]);
  assert.equal(age(null, now), '-');
  assert.equal(ago(-60), '0s');
});

test('values are one short line', () => {
  assert.equal(valueText({ a: [1, 'x'] }), '{"a":[1,"x"]}');
  assert.equal(valueText('x'.repeat(50)), `${'x'.repeat(39)}…`);
  assert.equal(valueText(false), 'false');
  assert.equal(valueText(null), '-');
});
