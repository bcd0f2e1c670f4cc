import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Sim } from '#sim/server.ts';
import { startSim } from '#sim/server.ts';
import fc from '#test/laws.ts';
import type { ControlPlanes } from '../bed/control-planes.ts';
import { startControlPlanes } from '../bed/control-planes.ts';
import type { Scratch } from '../bed/scratch.ts';
import { makeScratch } from '../bed/scratch.ts';
import type { Target } from './api.ts';
import { Api } from './api.ts';
import { pathOf, unique } from './case.ts';
import { ENGINE_FILE } from './cases/engine.ts';
import { contract } from './contract.ts';
import { establish } from './crds.ts';
import { widgetCrd } from './objects.ts';
import type { Operation } from './random-writes.ts';
import { cronJobHistory, playOnBoth, removeFrom, widgetHistory } from './random-writes.ts';
import { recordEngine } from './recorded-engine.ts';
import { schemaDifferences } from './schema-differences.ts';

let scratch: Scratch;
let planes: ControlPlanes;
let sim: Sim;

before(async () => {
  scratch = await makeScratch('contract');
  planes = await startControlPlanes(1, { dir: scratch.dir });
  sim = await startSim({ clusters: ['twin'] });
});

after(async () => {
  await sim?.close();
  await planes?.stop();
  await scratch?.[Symbol.asyncDispose]();
});

const real = (): Target => {
  const plane = planes.at(0);
  return { name: 'real', url: plane.server, ca: plane.ca, token: plane.adminToken };
};

if (process.env.CONTRACT_RECORD === '1')
  test('the requests of the engine are recorded', async () => {
    const lines = (await recordEngine(real())).map((exchange) => JSON.stringify(exchange));
    writeFileSync(ENGINE_FILE, `${lines.join('\n')}\n`);
  });

contract('real', real);

const RUNS = { numRuns: 40 };

/** Plays random histories on the real server and on a simulation beside it. */
async function twins(
  apiVersionOf: (group: string) => string,
  resource: string,
  histories: (group: string) => fc.Arbitrary<Operation[]>,
): Promise<void> {
  using expected = new Api(real());
  using actual = new Api({ name: 'sim', url: sim.serverUrl('twin'), token: sim.token('twin') });
  const namespace = unique('contract');
  const group = `${unique('g')}.example.org`;
  for (const api of [expected, actual]) {
    await api.post('/api/v1/namespaces', { metadata: { name: namespace } });
    await establish(api, widgetCrd(group));
  }
  const at = pathOf(apiVersionOf(group), namespace, resource, 'random');
  const play = async (history: Operation[]) => {
    try {
      await playOnBoth(expected, actual, at, history);
    } finally {
      await removeFrom(expected, at);
      await removeFrom(actual, at);
    }
  };
  await fc.assert(fc.asyncProperty(histories(group), play), RUNS);
}

test('random writes to a built-in kind leave the same object and owners on both servers', () =>
  twins(
    () => 'batch/v1',
    'cronjobs',
    () => cronJobHistory,
  ));

test('random writes to a custom resource leave the same object and owners on both servers', () =>
  twins((group) => `${group}/v1`, 'widgets', widgetHistory));

test('the type tables say what the real server publishes about fields, lists, maps and patches', async () => {
  using api = new Api(real());
  const { body } = await api.get('/openapi/v2');
  const differences = schemaDifferences(typeof body === 'string' ? JSON.parse(body) : body);
  if (differences.length > 0) throw new Error(differences.join('\n'));
});
