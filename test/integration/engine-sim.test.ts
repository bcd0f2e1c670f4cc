import { handoverLaws } from '#test/apply/handover-laws.ts';
import { simServer } from '#test/apply/servers.ts';
import { applyLaws } from './engine-apply-laws.ts';
import { driftLaws } from './engine-drift-laws.ts';
import { foretoldLaws } from './engine-foretold-laws.ts';

const server = simServer();
applyLaws(server);
driftLaws(server);
foretoldLaws(server);
handoverLaws(server);
