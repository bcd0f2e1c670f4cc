import type { Catalogue } from './catalogue.ts';

/** What can be wrong on the way from a closure to objects, charts among them. */
export const RENDERING_FAULTS = {
  'closure-missing-file': [
    'A kustomization names a file or directory that does not exist.',
    'Add it, or correct the name in the line given.',
  ],
  'closure-refused': [
    'A kustomization asks for something that is never done: a remote base, a plugin, a path outside the repository, a gitlink.',
    'Vendor what is remote; keep everything inside the repository.',
  ],
  'closure-cycle': ['Kustomizations include each other in a circle.', 'Remove one of the references named.'],
  'closure-invalid': [
    'A kustomization cannot be read.',
    'Mend it at the line given; `kustomize build` says the same.',
  ],
  'closure-too-large': [
    'An overlay reads more files or bytes than allowed.',
    'Split it, or move large files out of the closure.',
  ],
  'render-failed': [
    'The overlay does not render.',
    'Run `kustomize build` on the path given and mend what it says.',
  ],
  'render-unsupported': [
    'The overlay uses something that is not rendered in the process, named with its file and line.',
    'Do without it, or set `render.fallback: kustomize` in flotilla.yaml where the program is there.',
  ],
  'render-empty': [
    'The overlay renders to nothing. The last good state is kept.',
    'If everything should go, remove the placement instead.',
  ],
  'render-refused': [
    'A rendered object cannot be applied: no name or kind, a hook annotation, a list.',
    'Remove what the message names.',
  ],
  'render-tool-missing': [
    'The pinned kustomize or helm was not found.',
    'Run `npm run tools`, or set FLOTILLA_KUSTOMIZE or FLOTILLA_HELM.',
  ],
  'chart-refused': [
    'A chart cannot be vendored: it is none, is not what was asked for, or holds what must not be written.',
    'The message names the file; nothing was written.',
  ],
  'chart-unavailable': [
    'A chart repository cannot be reached, or does not have the file.',
    'Check the address of --repo; or fetch the archive yourself, and vendor the file.',
  ],
  'values-unexpanded': [
    'A Flux-style `${name:=default}` names a declared value.',
    'Write ${name} and put the default under `values.optional`.',
  ],
} as const satisfies Catalogue;
