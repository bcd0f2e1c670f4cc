import { join } from 'node:path';
import { fileCredentials } from '#git/credentials.ts';
import type { GitObjects } from '#git/objects.ts';
import { GitRemote } from '#git/remote.ts';
import { Repository } from '#git/repository.ts';
import { SparseObjects } from '#git/sparse.ts';
import type { AgentConfig } from './config.ts';
import { readConfigured } from './config.ts';
import { FirstOf } from './mirrors.ts';

/** The fleet repo as this agent reaches it. */
export type FleetRepository = {
  /** Its word on the tip of the branch counts. */
  remote: GitRemote;
  repository: Repository;
  /** From the trusted remote or, where that fails, from a mirror. */
  objects: GitObjects;
  close(): Promise<void>;
};

/** Inflated objects kept in memory: an agent reads few, and must stay small. */
const CACHE_BYTES = 2 * 1024 * 1024;
/** An overlay of one cluster is small; more than this at once is a mistake. */
const MOST_PACK_BYTES = 256 * 1024 * 1024;
const MOST_DISK_BYTES = 512 * 1024 * 1024;

export async function openRepository(
  config: AgentConfig,
  log: (message: string) => void,
): Promise<FleetRepository> {
  const { gitCredentialsFile, gitCaFile } = config;
  const ca = gitCaFile === undefined ? {} : { ca: readConfigured(gitCaFile, 'file of authorities') };
  const credentials =
    gitCredentialsFile === undefined ? {} : { credentials: fileCredentials(gitCredentialsFile) };
  const remotes = config.gitUrls.map(
    (url) => new GitRemote({ url, ...credentials, ...ca, maxPackBytes: MOST_PACK_BYTES }),
  );
  const repository = await Repository.open({
    directory: join(config.dataDir, 'git'),
    log,
    cacheBytes: CACHE_BYTES,
    maxBytes: MOST_DISK_BYTES,
  });
  const stores = remotes.map((remote) => new SparseObjects(remote, repository));
  return {
    remote: remotes[0]!,
    repository,
    objects: stores.length === 1 ? stores[0]! : new FirstOf(stores),
    async close() {
      await Promise.all(remotes.map((remote) => remote.close()));
      repository.close();
    },
  };
}
