import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import { openEngine } from '#render/engine.ts';
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
    describe: 'what renders (default: auto, which is native in this version)',
  },
};

/** The renderer that the command line asks for. @throws FlotillaError render-tool-missing */
export async function openRenderer({ values }: Parsed, machine: Machine): Promise<Renderer> {
  if (values.get('engine')?.[0] !== 'kustomize') return remembering(openEngine());
  const binary = machine.kustomize();
  if (binary === undefined)
    throw new FlotillaError(
      'render-tool-missing',
      'kustomize is not on the PATH, and FLOTILLA_KUSTOMIZE names none',
    );
  return remembering(await openKustomize({ binary, scratch: join(machine.scratch, 'render') }));
}

const REMEMBERED = 5_000;

/** Clusters that differ in values alone share what their overlay renders to, because values are put in afterwards. */
export function remembering(renderer: Renderer): Renderer {
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
