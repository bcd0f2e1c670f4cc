import { createInterface } from 'node:readline';
import { ReadModel } from '#hub/core/view.ts';
import { Follower } from '#hub/index/follower.ts';
import { PhaseProfiler } from './phases.ts';

/**
 * The index and the read model of a hub in a process of their own, as `hub/hub.ts` wires them: `node index-process.ts URL DIRECTORY [profile]`.
 * Looks at the branch when a line comes in; writes a line of JSON for every snapshot. With a third word each look is profiled.
 */
const [url = '', directory = '', profile] = process.argv.slice(2);
const profiler = profile === undefined ? undefined : new PhaseProfiler();
const stop = new AbortController();
const view = new ReadModel({ startedAt: Date.now() });
let asked = performance.now();
let used = process.cpuUsage();

const follower = new Follower(
  {
    remote: { url },
    branch: 'main',
    directory,
    pollMs: 86_400_000,
    now: Date.now,
    warn: (message) => void process.stderr.write(`${message}\n`),
  },
  {
    index: (snapshot) => {
      const indexed = performance.now();
      const cpu = process.cpuUsage(used);
      view.setIndex(snapshot);
      const said = {
        head: snapshot.head.oid,
        ms: indexed - asked,
        cpuMs: (cpu.user + cpu.system) / 1_000,
        viewMs: performance.now() - indexed,
        assignments: snapshot.assignments.size,
        problems: snapshot.problems
          .filter(({ severity }) => severity === 'error')
          .map(({ message }) => message),
        rss: process.memoryUsage.rss(),
      };
      void tell(said);
    },
    git: (reachability) => {
      if (!reachability.ok) process.stderr.write(`${reachability.message}\n`);
    },
  },
);

async function tell(said: object): Promise<void> {
  const phases = await profiler?.stop();
  process.stdout.write(`${JSON.stringify({ ...said, phases })}\n`);
}

const lines = createInterface({ input: process.stdin });
lines.on('line', async () => {
  await profiler?.start();
  asked = performance.now();
  used = process.cpuUsage();
  follower.poke();
});
lines.on('close', () => stop.abort());
await profiler?.start();
asked = performance.now();
used = process.cpuUsage();
await follower.run(stop.signal);
