/**
 * One start of an engine in a process of its own, so that it can be killed: `KUBECONFIG-FILE REVISION-FILE`. The file holds a list of
 * `{placement, objects}`. Says `started` before the first request of an apply and `converged` at the end.
 */
import { readFileSync } from 'node:fs';
import { DEFAULT_POLICY } from '#agent/engine/ports.ts';
import { Lab } from '#test/integration/engine-lab.ts';

const [kubeconfig = '', revisionFile = ''] = process.argv.slice(2);
const revision = JSON.parse(readFileSync(revisionFile, 'utf8')) as Parameters<typeof restart>[1];
const send = () => Promise.reject(new Error('this process has no hands of its own'));
await using lab = new Lab({ source: { file: kubeconfig }, send });
process.stdout.write('started\n');
await restart(lab, revision);
process.stdout.write('converged\n');

/** As the agent does after any start: everybody says what they want, everything is applied, then what is stale goes. */
async function restart(
  { engine }: Lab,
  assignments: readonly { placement: string; objects: Parameters<Lab['apply']>[1] }[],
): Promise<void> {
  const { signal } = new AbortController();
  const all = assignments.map((each) => ({ ...each, policy: DEFAULT_POLICY, keepStale: true }));
  for (const assignment of all) await engine.intend(assignment, signal);
  for (const assignment of all) await engine.apply(assignment, signal);
  for (const { placement } of all) await engine.prune(placement, signal);
  await engine.flushAll(signal);
  // A hand-over is over when the giver knows it.
  const pending = () => all.filter(({ placement }) => engine.snapshot(placement)?.counts.failed !== 0);
  if (pending().length > 0) throw new Error(`not whole: ${pending().map(({ placement }) => placement)}`);
}
