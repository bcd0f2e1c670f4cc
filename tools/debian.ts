/** The Debian package as the last resort: unpacked into the cache, never installed into the system. */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceFailed } from './events.ts';
import { runOwned } from './owned.ts';

/**
 * Downloads a package with apt, which verifies it against the distribution's signatures, and takes one program out.
 * Works without root: when the system's package lists are empty, fresh ones are fetched into `directory`.
 * @throws SourceFailed
 */
export async function debianProgram(
  source: { package: string },
  name: string,
  directory: string,
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> {
  const apt = (args: string[]) =>
    runOwned('apt-get', ['-q', ...args], { cwd: directory, env: { ...environment, LC_ALL: 'C' } }, signal);
  const timeouts = ['-o', 'Acquire::http::Timeout=10', '-o', 'Acquire::Retries=1'];
  let result = await apt([...timeouts, 'download', source.package]);
  if (result.code === 127) throw new SourceFailed('this is no Debian system (apt-get is not on PATH)');
  if (result.code !== 0) {
    const own = ['-o', `Dir::State=${directory}/state`, '-o', `Dir::Cache=${directory}/apt`, ...timeouts];
    for (const part of ['state/lists/partial', 'apt/archives/partial']) {
      await mkdir(join(directory, part), { recursive: true });
    }
    // The package system's own state file has to exist for apt to start.
    const status = ['-o', 'Dir::State::status=/var/lib/dpkg/status'];
    const update = await apt([...own, ...status, 'update']);
    if (update.code !== 0) throw new SourceFailed(`apt-get update failed: ${lastLine(update.stderr)}`);
    result = await apt([...own, ...status, 'download', source.package]);
    if (result.code !== 0) throw new SourceFailed(`apt-get download failed: ${lastLine(result.stderr)}`);
  }
  const archive = (await readdir(directory)).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new SourceFailed(`apt-get downloaded nothing for ${source.package}`);
  const unpacked = join(directory, 'package');
  const dpkg = await runOwned('dpkg-deb', ['-x', join(directory, archive), unpacked], {}, signal);
  if (dpkg.code !== 0) throw new SourceFailed(`dpkg-deb failed: ${lastLine(dpkg.stderr)}`);
  for (const folder of ['usr/sbin', 'usr/bin']) {
    const files = await readdir(join(unpacked, folder)).catch((): string[] => []);
    if (!files.includes(name)) continue;
    await rename(join(unpacked, folder, name), join(directory, name));
    return join(directory, name);
  }
  throw new SourceFailed(`the package ${source.package} holds no program ${name}`);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
