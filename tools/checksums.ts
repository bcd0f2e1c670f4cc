/** Reading the checksum files that releases publish. */
import { basename } from 'node:path/posix';

const SHA256 = /^[0-9a-f]{64}$/i;

/**
 * The sha256 that a checksum file gives for `file`. Understands `HASH  NAME` and `HASH *NAME` lines (sha256sum), and
 * a file that is nothing but one hash (dl.k8s.io). Undefined when the file does not name it, or names it twice with
 * different hashes.
 */
export function findChecksum(text: string, file: string): string | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const only = lines[0];
  if (lines.length === 1 && only !== undefined && SHA256.test(only)) return only.toLowerCase();
  const found = new Set<string>();
  for (const line of lines) {
    const [hash = '', ...rest] = line.split(/\s+/);
    if (SHA256.test(hash) && basename(rest.join(' ').replace(/^\*/, '')) === file)
      found.add(hash.toLowerCase());
  }
  return found.size === 1 ? [...found][0] : undefined;
}
