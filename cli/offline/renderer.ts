import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { openHelm } from '#render/charts/helm.ts';
import { withCharts } from '#render/charts/inflate.ts';
import { openEngine } from '#render/engine.ts';
import { withFallback } from '#render/fallback.ts';
import { openKustomize } from '#render/kustomize.ts';
import type { Renderer, RenderInput } from '#render/renderer.ts';
import type { Json } from '#render/yaml/read.ts';
import type { Flags, Parsed } from '../args.ts';
import type { Machine } from '../config.ts';

const ENGINES = ['auto', 'native', 'kustomize'] as const;
export const ENGINE: Flags = {
  engine: {
    value: 'ENGINE',
    choices: ENGINES,
    describe:
      'what renders: native, kustomize, or auto, native with kustomize for the rest (default: as render.fallback in flotilla.yaml says)',
  },
};

/**
 * The renderer that the command line asks for, else the one of the fleet: the engine, with helm for charts, and kustomize for
 * what the engine does not support where that is allowed.
 *
 * @throws FlotillaError render-tool-missing, here or when the program is needed first
 */
export async function openRenderer(
  { values }: Parsed,
  machine: Machine,
  fleet?: FleetModel['fleet'],
): Promise<Renderer> {
  const engine = values.get('engine')?.[0];
  if (engine === 'kustomize') return remembering(await kustomizeOf(machine));
  const allowed =
    engine === 'auto' || (engine === undefined && fleet?.document.spec.render?.fallback === 'kustomize');
  const native = nativeOf(machine);
  return remembering(allowed ? withFallback(native, () => kustomizeOf(machine)) : native);
}

/** Both engines, each alone; charts are templated for the native one. @throws FlotillaError render-tool-missing */
export async function openBoth(machine: Machine): Promise<{ native: Renderer; kustomize: Renderer }> {
  return { native: remembering(nativeOf(machine)), kustomize: remembering(await kustomizeOf(machine)) };
}

function nativeOf(machine: Machine): Renderer {
  return withCharts(openEngine(), () =>
    openHelm({ binary: program('helm', machine), scratch: join(machine.scratch, 'charts') }),
  );
}

async function kustomizeOf(machine: Machine): Promise<Renderer> {
  return openKustomize({ binary: program('kustomize', machine), scratch: join(machine.scratch, 'render') });
}

function program(name: 'kustomize' | 'helm', machine: Machine): string {
  const binary = machine.program(name);
  if (binary !== undefined) return binary;
  const message = `${name} is not on the PATH, and FLOTILLA_${name.toUpperCase()} names none`;
  throw new FlotillaError('render-tool-missing', message);
}

const REMEMBERED = 5_000;

/** Clusters that differ in values alone share what their overlay renders to, because values are put in afterwards. */
function remembering(renderer: Renderer): Renderer {
  const rendered = new Map<string, Promise<Json[]>>();
  return {
    render(input, signal) {
      const key = keyOf(input);
      let result = rendered.get(key);
      if (!result) {
        result = renderer.render(input, signal);
        rendered.set(key, result);
        for (const oldest of rendered.keys()) {
          if (rendered.size <= REMEMBERED) break;
          rendered.delete(oldest);
        }
      }
      return result;
    },
  };
}

function keyOf({ files, nodes: _, ...rest }: RenderInput): string {
  const hash = createHash('sha256').update(JSON.stringify(rest));
  for (const [path, { bytes, mode }] of files)
    hash.update(`\0${path}\0${mode}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex');
}
