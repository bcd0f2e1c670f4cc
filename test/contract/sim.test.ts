import { after, before } from 'node:test';
import type { Sim } from '#sim/server.ts';
import { startSim } from '#sim/server.ts';
import { contract } from './contract.ts';

let sim: Sim;

before(async () => {
  sim = await startSim({ clusters: ['contract'] });
});

after(async () => {
  await sim.close();
});

contract('sim', () => ({
  name: 'sim',
  url: sim.secureUrl('contract'),
  ca: sim.ca,
  token: sim.token('contract'),
}));
