/** CPU milliseconds of the work below where the bounds of the tests were measured, on a core of its own. */
const REFERENCE_MS = 100;

/**
 * How many times as slow as there this machine is now, 1 at least: by how much bounds of CPU time are to be stretched. What runs beside
 * takes caches and clock rate, which counts as CPU time as well.
 */
export function pace(): number {
  const start = process.threadCpuUsage();
  const names = new Map<string, number>();
  for (let index = 0; index < 60_000; index++) {
    const object = JSON.parse(`{"kind":"A","metadata":{"name":"a${index}","labels":{"app":"x"}}}`) as {
      metadata: { name: string };
    };
    names.set(`${object.metadata.name}/${JSON.stringify(object)}`, index);
  }
  const { user, system } = process.threadCpuUsage(start);
  return Math.max(1, (user + system) / 1_000 / REFERENCE_MS);
}
