import { join, resolve } from 'node:path';
import type { Fleet } from '#proto/documents/fleet.ts';
import { openHelm } from '#render/charts/helm.ts';
import { withCharts } from '#render/charts/inflate.ts';
import { openEngine } from '#render/engine.ts';
import { withFallback } from '#render/fallback.ts';
import { openKustomize } from '#render/kustomize.ts';
import type { Renderer } from '#render/renderer.ts';
import { findProgram } from './programs.ts';

export type Programs = {
  kustomize: string | undefined;
  helm: string | undefined;
  /** Where programs are looked for that are not named. */
  path: string;
  dataDir: string;
};

/** What renders under the settings of a fleet. */
export type Renderers = (fleet: Fleet | undefined) => Renderer;

/**
 * The engine, small enough for the overlays of one cluster; helm for charts; and the pinned kustomize where flotilla.yaml allows
 * it for what the engine does not support. The programs are looked for when they are needed first.
 */
export function openRenderers({ kustomize, helm, path, dataDir }: Programs): Renderers {
  const engine = openEngine({ documents: 16 << 20, objects: 5_000 });
  const scratch = join(resolve(dataDir), 'render');
  const openTemplater = async () =>
    openHelm({ binary: findProgram('helm', helm, path), scratch: join(scratch, 'charts'), concurrency: 1 });
  const openFallback = async () =>
    openKustomize({
      ...{ binary: findProgram('kustomize', kustomize, path), concurrency: 1 },
      scratch: join(scratch, 'kustomize'),
    });
  const native = withCharts(engine, openTemplater);
  const both = withCharts(withFallback(engine, openFallback), openTemplater);
  return (fleet) => (fleet?.spec.render?.fallback === 'kustomize' ? both : native);
}
