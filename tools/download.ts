/** Official releases: fetched, verified against a sha256, unpacked. Nothing unverified leaves this file. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findChecksum } from './checksums.ts';
import { SourceFailed } from './events.ts';
import { runOwned } from './owned.ts';
import type { Release } from './pins.ts';

const LIMITS = {
  /** Until the answer begins, and between two pieces of it: ms. A host that is not there must not cost more. */
  silenceMs: 5_000,
  sumsBytes: 1_000_000,
  archiveBytes: 400_000_000,
} as const;

type Read = { onBytes?: (received: number, total: number) => void };

/** Downloads for one run; a host that cannot be reached is asked once. */
export class Downloads {
  private readonly unreachable = new Map<string, string>();
  private readonly silenceMs: number;

  constructor(silenceMs: number = LIMITS.silenceMs) {
    this.silenceMs = silenceMs;
  }

  /**
   * Puts the verified program of a release into `directory` as `name` and returns its path.
   * @throws SourceFailed when the host is unreachable, the answer is no, or the checksum is missing or differs.
   */
  async program(
    release: Release,
    name: string,
    directory: string,
    read: Read = {},
    signal?: AbortSignal,
  ): Promise<string> {
    const file = decodeURIComponent(basename(new URL(release.url).pathname));
    const expected = 'sha256' in release ? release.sha256 : await this.checksum(release.sums, file, signal);
    const archive = join(directory, `${file}.download`);
    const actual = await this.save(release.url, archive, read, signal);
    if (actual !== expected) {
      throw new SourceFailed(`${release.url} has sha256 ${actual}, expected ${expected}; it was thrown away`);
    }
    const program = join(directory, name);
    if (release.member === undefined) {
      await rename(archive, program);
    } else {
      // bsdtar, which is `tar` on darwin, reads the zip files that are pinned for darwin.
      const { code, stderr } = await runOwned(
        'tar',
        ['-xf', archive, '-C', directory, release.member],
        {},
        signal,
      );
      if (code !== 0) throw new SourceFailed(`tar cannot unpack ${file}: ${stderr.trim()}`);
      await rename(join(directory, release.member), program);
    }
    await chmod(program, 0o755);
    return program;
  }

  private async checksum(url: string, file: string, signal?: AbortSignal): Promise<string> {
    const pieces: Uint8Array[] = [];
    await this.read(url, LIMITS.sumsBytes, (piece) => void pieces.push(piece), {}, signal);
    const found = findChecksum(Buffer.concat(pieces).toString('utf8'), file);
    if (found === undefined) throw new SourceFailed(`${url} has no single sha256 for ${file}`);
    return found;
  }

  private async save(url: string, path: string, read: Read, signal?: AbortSignal): Promise<string> {
    const hash = createHash('sha256');
    const out = createWriteStream(path);
    // Without a listener a full disk would end the process; `read` reports it at the next piece.
    const failed = new Promise<never>((_, reject) => out.once('error', reject));
    failed.catch(() => undefined);
    try {
      await this.read(
        url,
        LIMITS.archiveBytes,
        async (piece) => {
          hash.update(piece);
          if (!out.write(piece)) await Promise.race([once(out, 'drain'), failed]);
        },
        read,
        signal,
      );
      await Promise.race([new Promise<void>((resolve) => out.end(resolve)), failed]);
    } finally {
      out.destroy();
    }
    return hash.digest('hex');
  }

  private async read(
    url: string,
    limit: number,
    take: (piece: Uint8Array) => void | Promise<void>,
    { onBytes }: Read,
    signal?: AbortSignal,
  ): Promise<void> {
    const { host } = new URL(url);
    const known = this.unreachable.get(host);
    if (known !== undefined) throw new SourceFailed(known);
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), this.silenceMs);
    try {
      const abort = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
      const response = await fetch(url, { signal: abort });
      if (!response.ok || response.body === null) throw new SourceFailed(`${url} answers ${response.status}`);
      const total = Number(response.headers.get('content-length') ?? 0);
      let received = 0;
      for await (const piece of response.body) {
        timer.refresh();
        received += piece.byteLength;
        if (received > limit) throw new SourceFailed(`${url} is larger than ${limit} bytes`);
        await take(piece);
        onBytes?.(received, total);
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SourceFailed) throw error;
      const reason = silence.signal.aborted ? `silent for ${this.silenceMs / 1000} s` : networkReason(error);
      this.unreachable.set(host, `${host} cannot be reached (${reason})`);
      throw new SourceFailed(`${host} cannot be reached (${reason})`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** fetch says only "fetch failed"; what failed stands in the cause. */
function networkReason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message ?? String(cause);
}
