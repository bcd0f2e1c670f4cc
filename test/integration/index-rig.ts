import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { IndexSnapshot, Reachability } from '#hub/core/types.ts';
import { Follower } from '#hub/index/follower.ts';
import type { Wanted } from '#hub/index/history.ts';
import { createNkey } from '#proto/nkey.ts';
import { WorkingClone } from '../bed/git-repository.ts';
import { type GitServer, startGitServer } from '../bed/git-server.ts';
import { makeScratch } from '../bed/scratch.ts';
import { entry, FLEET, overlay, placement } from './hub-rig.ts';

export type Followed = {
  snapshot?: IndexSnapshot;
  git?: Reachability;
  warned: string[];
  follower: Follower;
  stop(): Promise<void>;
};

export type Fixture = {
  dir: string;
  git: GitServer;
  clone: WorkingClone;
  follow(options?: { url?: string; acceptRewrite?: string; branch?: string; keep?: Wanted }): Followed;
};

/** The index over a Git server with a small fleet: a cluster `east`, a placement `shop`, and one commit. */
export async function fixture(
  t: TestContext,
  options: { auth?: { user: string; password: string } } = {},
): Promise<Fixture> {
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const { dir } = stack.use(await makeScratch('hub-index'));
  const git = stack.use(await startGitServer({ dir: join(dir, 'git'), ...options }));
  await git.createRepository('fleet');
  const clone = await WorkingClone.clone(git.repositoryUrl('fleet', true), join(dir, 'clone'));
  await clone.write('flotilla.yaml', FLEET);
  await clone.write('clusters/east.yaml', entry('east', createNkey('user')));
  await clone.write('placements/shop.yaml', placement('shop'));
  await clone.write('apps/shop/kustomization.yaml', overlay('a'));
  await clone.commit('First');
  return {
    dir,
    git,
    clone,
    follow: ({ url = git.repositoryUrl('fleet', true), acceptRewrite, branch = 'main', keep } = {}) => {
      const stop = new AbortController();
      const warned: string[] = [];
      const seen: Partial<Followed> = {};
      const follower = new Follower(
        {
          remote: { url, idleTimeoutMs: 1_000 },
          branch,
          directory: join(dir, 'index'),
          pollMs: 50,
          acceptRewrite,
          now: Date.now,
          warn: (message) => void warned.push(message),
        },
        {
          index: (snapshot) => {
            seen.snapshot = snapshot;
          },
          git: (reachability) => {
            seen.git = reachability;
          },
        },
      );
      if (keep) follower.keep(keep);
      const running = follower.run(stop.signal);
      const end = async () => {
        stop.abort();
        await running;
      };
      stack.defer(end);
      return Object.assign(seen, { warned, follower, stop: end });
    },
  };
}

/** The snapshot of that head, while Git answers. */
export const head = (followed: Followed, oid: string) => () =>
  followed.snapshot?.head.oid === oid && followed.git?.ok ? followed.snapshot : undefined;

/** What Git is said to lack; on a busy machine it may be called slow before that. */
export const trouble = (followed: Followed, code: string) => () =>
  followed.git?.ok === false && followed.git.code === code ? followed.git : undefined;
