import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { obtainTools } from '#tools/obtain.ts';

const run = promisify(execFile);
const STRACE = '/usr/bin/strace';

/** The files below a directory that one run of kustomize opened and that are there, sorted; undefined where it refused. */
export type Watch = (
  files: Readonly<Record<string, string | Uint8Array>>,
  root: string,
) => Promise<readonly string[] | undefined>;

/**
 * The pinned kustomize under strace (a package of every distribution), or why that cannot be had on this machine. It runs on all of the
 * files, with nothing but what the kernel was asked for deciding what counts as read.
 */
export async function openStrace(): Promise<{ readonly watch: Watch } | { readonly why: string }> {
  if (process.platform !== 'linux') return { why: 'strace is a program of Linux' };
  try {
    await run(STRACE, ['-f', '-o', '/dev/null', '/bin/true']);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { why: missing ? `${STRACE} is not there` : `strace may not trace here: ${error}` };
  }
  const { kustomize } = await obtainTools(['kustomize']);
  return {
    async watch(files, root) {
      const home = await realpath(await mkdtemp(join(tmpdir(), 'flotilla-strace-')));
      try {
        const tree = join(home, 'tree');
        for (const [path, content] of Object.entries(files)) {
          await mkdir(dirname(join(tree, path)), { recursive: true });
          await writeFile(join(tree, path), content);
        }
        const trace = join(home, 'trace');
        const words = [
          '-f',
          '--seccomp-bpf',
          '-qq',
          '-s',
          '4096',
          '-e',
          'trace=open,openat,openat2',
          '-o',
          trace,
        ];
        try {
          await run(STRACE, [...words, kustomize, 'build', '--reorder=none', join(tree, root)], {
            env: {},
            maxBuffer: 64 << 20,
            timeout: 60_000,
          });
        } catch {
          return undefined;
        }
        return await opened(await readFile(trace, 'utf8'), tree);
      } finally {
        await rm(home, { recursive: true, force: true });
      }
    },
  };
}

/** `PID openat(AT_FDCWD, "PATH", FLAGS) = FD`, also where another thread came between call and answer. */
async function opened(trace: string, tree: string): Promise<readonly string[]> {
  const found = new Set<string>();
  const unfinished = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const [, pid = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const path = /^open\w*\([^"]*"((?:[^"\\]|\\.)*)"/.exec(call)?.[1] ?? unfinished.get(pid);
    if (call.includes('<unfinished') && path !== undefined) unfinished.set(pid, path);
    else if (path !== undefined && /= \d+/.test(call)) {
      unfinished.delete(pid);
      // Text that is not plain ASCII is written as a C string, which JSON reads but for octal bytes.
      const plain = path.replace(/(?:\\[0-7]{1,3})+/g, (bytes) =>
        Buffer.from(
          bytes
            .split('\\')
            .slice(1)
            .map((one) => Number.parseInt(one, 8)),
        ).toString('utf8'),
      );
      if (plain.startsWith(`${tree}/`) && (await stat(plain)).isFile())
        found.add(relative(tree, await realpath(plain)));
    }
  }
  return [...found].sort();
}
