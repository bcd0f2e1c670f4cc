import type { Lab } from '#rollouts/testing/lab.ts';
import { RolloutBook } from '../book.ts';
import type { MemoryLimits } from '../memory.ts';
import type { RolloutRow } from '../rollout.ts';

/** A book that is told everything that happens in a lab, as a hub would tell it. */
export function bookOf(lab: Lab, limits?: MemoryLimits) {
  const book = new RolloutBook(limits);
  const { world } = lab;
  let told = 0;
  const sync = () => {
    book.set(world.state, world.facts, world.now);
    book.tell(world.events.slice(told));
    told = world.events.length;
    book.tick(world.now);
    return book;
  };
  world.watch = ({ advanced, facts, now }) => book.set(advanced.state, facts, now);
  sync();
  return {
    sync,
    /** The rollout of a version of `app`, as it stands. */
    rollout(version: string): RolloutRow {
      const row = sync().rollout('app', version);
      if (!row) throw new Error(`no rollout of ${version}`);
      return row;
    },
    stages: (version: string) =>
      sync()
        .stages(book.rollout('app', version)!)
        .map(({ name, phase }) => `${name} ${phase}`),
    targets: (version: string) =>
      Object.fromEntries(
        sync()
          .targets({ placement: 'app', version })
          .map(({ cluster, state }) => [cluster, state]),
      ),
  };
}
