import { get } from './json.ts';
import type { Resource } from './resource.ts';

/** Where an object comes from, or which generator or transformer had its hand in it: kustomize's origin annotations. */
export type Origin = {
  readonly path?: string;
  readonly configuredIn?: string;
  readonly configuredBy?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name?: string;
    readonly namespace?: string;
  };
};

const ORIGIN = 'config.kubernetes.io/origin';
const TRANSFORMATIONS = 'alpha.config.kubernetes.io/transformations';

/** A path that is written in a kustomization, seen from where the rendering started. */
export function joinOrigin(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${base}/${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** The origin of a kustomization's own field: the built-in plugin that does the work, and the file that asks for it. */
export function builtinOrigin(configuredIn: string, kind: string): Origin {
  return { configuredIn, configuredBy: { apiVersion: 'builtin', kind } };
}

/** Notes on every object that a transformer had it in hand, or made it. */
export function noteTransformation(resources: readonly Resource[], by: Origin): void {
  for (const resource of resources) {
    if (resource.origin) resource.transformations = [...resource.transformations, by];
    else resource.origin = by;
  }
}

/** Writes what was noted into annotations, as `buildMetadata` asks for it. */
export function annotateOrigins(resource: Resource, options: readonly string[]): void {
  const annotations = { ...resource.annotations };
  delete annotations[ORIGIN];
  delete annotations[TRANSFORMATIONS];
  if (options.includes('originAnnotations') && resource.origin)
    annotations[ORIGIN] = lines(resource.origin, '').join('');
  if (options.includes('transformerAnnotations') && resource.transformations.length > 0)
    annotations[TRANSFORMATIONS] = resource.transformations
      .map((one) => lines(one, '  ').join('').replace(/^ {2}/, '- '))
      .join('');
  if (
    Object.keys(annotations).length > 0 ||
    get(get(resource.value, 'metadata'), 'annotations') !== undefined
  )
    resource.setAnnotations(annotations);
}

function lines({ path, configuredIn, configuredBy }: Origin, indent: string): string[] {
  const line = (depth: string, key: string, value: string | undefined) =>
    value ? [`${indent}${depth}${key}: ${scalar(value)}\n`] : [];
  return [
    ...line('', 'path', path),
    ...line('', 'configuredIn', configuredIn),
    ...(configuredBy
      ? [
          `${indent}configuredBy:\n`,
          ...line('  ', 'apiVersion', configuredBy.apiVersion),
          ...line('  ', 'kind', configuredBy.kind),
          ...line('  ', 'name', configuredBy.name),
          ...line('  ', 'namespace', configuredBy.namespace),
        ]
      : []),
  ];
}

function scalar(text: string): string {
  return /^[A-Za-z./_][\w./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
