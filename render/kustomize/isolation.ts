import { tmpdir } from 'node:os';
import { type ProcessLimits, runLimited } from './process.ts';

const UNSHARE = '/usr/bin/unshare';
const LIMITS: ProcessLimits = { timeMs: 5_000, outputBytes: 1_000, memoryBytes: 1 << 30 };

/**
 * The words before a command that take the network from it: a network namespace of its own, in which there is nothing. None
 * where the platform has no such thing or does not allow it; then the program is trusted to be what was pinned.
 */
export async function withoutNetwork(signal: AbortSignal): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  for (const words of [
    [UNSHARE, '--user', '--map-current-user', '--net', '--'],
    [UNSHARE, '--net', '--'],
  ]) {
    const result = await runLimited(words[0]!, [...words.slice(1), '/bin/true'], tmpdir(), LIMITS, signal);
    if (result.ended === 'exited' && result.code === 0) return words;
  }
  return [];
}
