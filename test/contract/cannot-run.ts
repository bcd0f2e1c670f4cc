/** Says that a test cannot run on this machine; the runner collects these lines and lists them at its end. */
export function cannotRunHere(name: string, reason: string): void {
  process.stderr.write(`CANNOT RUN: ${name}: ${reason}\n`);
}
