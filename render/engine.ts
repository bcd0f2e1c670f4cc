import { FlotillaError } from '#proto/faults.ts';
import { BaseCache } from './engine/bases.ts';
import { EngineFault, EngineFaults, type Place } from './engine/fault.ts';
import { Documents } from './engine/read/documents.ts';
import { renderObjects } from './engine/render.ts';
import type { Renderer, RenderInput } from './renderer.ts';
import type { Json } from './yaml/read.ts';

export type EngineOptions = {
  /** Bytes of files and number of objects that are kept parsed and gathered. */
  readonly documents?: number;
  readonly objects?: number;
};

/**
 * Renders in the process: a pure function of the input, which reads nothing else and runs nothing. What it does not do is
 * refused with render-unsupported, so that another renderer may take over. Files with ids and directories with nodes are
 * parsed and gathered once for all that is rendered.
 */
export function openEngine(options: EngineOptions = {}): Renderer {
  const documents = new Documents(options.documents);
  const bases = new BaseCache(options.objects);
  return {
    async render(input, signal) {
      signal.throwIfAborted();
      return renderWith(input, documents, bases);
    },
  };
}

function renderWith(input: RenderInput, documents: Documents, bases: BaseCache): Json[] {
  try {
    return renderObjects(input, documents, bases);
  } catch (fault) {
    if (fault instanceof EngineFault) throw told(input, [fault]);
    if (fault instanceof EngineFaults) throw told(input, fault.faults);
    throw fault;
  }
}

/** All faults in one message, each with its place; the first one's stands for all. */
function told(input: RenderInput, faults: readonly EngineFault[]): FlotillaError {
  const overlay = input.path === '' ? 'the root of the repository' : input.path;
  const code = faults.every(({ unsupported }) => unsupported) ? 'render-unsupported' : 'render-failed';
  const lines = faults.map(({ place, message }) => (place ? `${show(place)}: ${message}` : message));
  const { file, line, column } = faults[0]!.place ?? { file: input.path };
  return new FlotillaError(code, `${overlay}: ${lines.join('\n')}`, {
    source: { file, ...(line !== undefined && { line }), ...(column !== undefined && { column }) },
    cause: faults[0],
  });
}

function show({ file, line, column }: Place): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}
