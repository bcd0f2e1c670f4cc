import { crashLaws } from './crash-laws.ts';
import { realServer } from './servers.ts';

const { server } = realServer('crash');
crashLaws(server);
