import { permissionsOf, rulesOf } from '../../access/judge.ts';
import type { Viewer } from '../../access/viewer.ts';
import { type Resolver, wordOf } from './shared.ts';

export const viewerResolvers = {
  Viewer: {
    permissions: ((viewer, _, { view }) =>
      permissionsOf(viewer, rulesOf(view.index?.access)).map(wordOf)) as Resolver<Viewer>,
  },
};
