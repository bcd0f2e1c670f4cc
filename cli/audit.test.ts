import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RunningApi } from '#hub/api/server.ts';
import { acme } from '#hub/api/testing/api.ts';
import { serve } from '#hub/api/testing/serve.ts';
import { storyOf } from '#hub/core/testing/audit.ts';
import { oid, START } from '#hub/core/view/testing/fleet.ts';
import { run, show } from './testing/hub.ts';

let api: RunningApi;
before(async () => {
  api = await serve(acme(), { audit: storyOf('prod-eu-1', 'shop', [oid('first'), oid('head')], START) });
});
after(() => api.stop());

const TABLES: Record<string, string> = {
  audit: `
WHEN                   WHO        WHAT             ABOUT                 RESULT    WHY
2026-05-03T10:00:00Z   bob        freeze           env=prod              unknown   -
2026-05-03T09:59:40Z   flotilla   holdEnded        prod-eu-1             -         eve: disk
2026-05-03T09:59:30Z   flotilla   removalStarted   shop 1 cluster        -         -
2026-05-03T09:59:00Z   ann        pause            shop                  done      looks odd
2026-05-03T09:58:30Z   flotilla   stageStarted     shop/early @6865616   -         -
`,
  'audit --since 6m --actor ann -o wide': `
WHEN                   WHO   WHAT    ABOUT   RESULT   WHY         UNTIL   GROUPS   CLUSTERS
2026-05-03T09:59:00Z   ann   pause   shop    done     looks odd   -       ops      -
`,
  'audit --action stageStarted': `
WHEN                   WHO        WHAT           ABOUT                 RESULT   WHY
2026-05-03T09:58:30Z   flotilla   stageStarted   shop/early @6865616   -        -
`,
  'audit --until 2020-01-01': `
# nothing is kept of that
`,
  'history prod-eu-1': `
ENDED                  PLACEMENT   REVISION   RESULT    TOOK   FOR       MESSAGE
2026-05-03T09:43:40Z   shop        6865616    CURRENT   20s    rollout   -
2026-05-03T09:27:00Z   shop        6865616    FAILED    20s    rollout   ImagePullBackOff
2026-05-03T09:10:20Z   shop        6669727    CURRENT   20s    rollout   -
`,
  'history prod-eu-1 shop -o wide': `
ENDED                  PLACEMENT   REVISION   RESULT    TOOK   FOR       MESSAGE            STAGE   FROM           TO             OBJECTS    ATTEMPT
2026-05-03T09:43:40Z   shop        6865616    CURRENT   20s    rollout   -                  early   digest177779   digest177780   +1 ~2 -0   1777801400000
2026-05-03T09:27:00Z   shop        6865616    FAILED    20s    rollout   ImagePullBackOff   early   digest177779   digest177780   +1 ~2 -0   1777800400000
2026-05-03T09:10:20Z   shop        6669727    CURRENT   20s    rollout   -                  early   -              digest177779   +1 ~2 -0   1777799400000
`,
  'history prod-eu-1 --at 20m': `
ENDED                  PLACEMENT   REVISION   RESULT    TOOK   FOR       MESSAGE
2026-05-03T09:43:40Z   shop        6865616    CURRENT   20s    rollout   -
`,
  'history prod-eu-1 --at 2020-01-01': `
# nothing is kept of prod-eu-1 at that time
`,
  'history nobody shop': `
# nothing is kept of shop on nobody
`,
};
for (const [line, expected] of Object.entries(TABLES)) {
  test(`flotilla ${line} prints its table`, async () => {
    assert.equal(`\n${await show(api.url, line.split(' '))}`, expected);
  });
}

test('json has everything, with full revisions and digests', async () => {
  const { stdout } = await run(api.url, ['audit', '--actor', 'ann', '-o', 'json']);
  const [pause] = JSON.parse(stdout).items;
  assert.deepEqual(
    [pause.actor, pause.action, pause.result, pause.groups],
    ['ann', 'pause', 'done', ['ops']],
  );
  const { stdout: told } = await run(api.url, ['history', 'prod-eu-1', '-o', 'json']);
  const [newest] = JSON.parse(told).items;
  assert.equal(newest.revision, oid('head'));
  assert.match(newest.digest, /^digest/);
  assert.match(newest.from, /^digest/);
});

test('--limit is so many at most, over pages, and says that there is more', async () => {
  assert.match(
    await show(api.url, ['audit', '--limit', '2']),
    /# the newest 2; --limit or --until shows more\n$/,
  );
  assert.equal((await show(api.url, ['audit', '--limit', '5', '-o', 'name'])).match(/^audit\//gm)?.length, 5);
});

for (const [line, told] of [
  ['audit --since yesterday', '--since yesterday is no time: write 7d, 2026-05-03 or 2026-05-03T10:00:00Z'],
  ['audit --until 2026-13-01', '--until 2026-13-01 is no time'],
  ['audit --limit 0', '--limit 0 is not 1 to 100000'],
  ['audit prod', 'unexpected word prod'],
  ['history', 'history of what? a CLUSTER, and maybe a PLACEMENT'],
  ['history a b c', 'unexpected word c'],
  ['history a --at noon', '--at noon is no time'],
] as const) {
  test(`flotilla ${line} is a mistake that is named`, async () => {
    const { code, stderr } = await run(api.url, line.split(' '));
    assert.equal(code, 64);
    assert.ok(stderr.includes(told), stderr);
  });
}

test('a name that is none is refused by the hub, not looked for', async () => {
  const { code, stderr } = await run(api.url, ['history', 'prod.*']);
  assert.equal(code, 2);
  assert.match(stderr, /"prod\.\*" is no name of a cluster or placement/);
});
