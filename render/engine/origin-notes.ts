import type { Json } from '../yaml/read.ts';
import { writeText } from '../yaml/text.ts';
import { EngineFault } from './fault.ts';
import { isMap } from './json.ts';
import type { Origin } from './origin.ts';
import type { Resource } from './resource.ts';

const ORIGIN = 'config.kubernetes.io/origin';
const TRANSFORMATIONS = 'alpha.config.kubernetes.io/transformations';

/** Notes on every object that a transformer had it in hand, or made it. */
export function noteTransformation(resources: readonly Resource[], by: Origin): void {
  for (const resource of resources) {
    if (resource.origin) resource.transformations = [...resource.transformations, by];
    else resource.origin = by;
  }
}

/** Annotations that kustomize keeps notes in, and takes away in the end. Those that steer it are not accepted. */
const STEERING = [
  ...['previousKinds', 'previousNames', 'previousNamespaces', 'prefixes', 'suffixes', 'generatorBehavior'],
  ...['needsHashSuffix', 'allowNameChange', 'allowKindChange'],
].map((name) => `internal.config.kubernetes.io/${name}`);
const NOTES = [
  ...['refBy', 'path', 'index', 'seqindent', 'id', 'annotations-migration-resource-id'].map(
    (name) => `internal.config.kubernetes.io/${name}`,
  ),
  ...['config.kubernetes.io/path', 'config.kubernetes.io/index', 'config.k8s.io/id', ORIGIN, TRANSFORMATIONS],
];

/** @throws EngineFault for an object that brings notes of kustomize along which steer it */
export function refuseSteering(annotations: Json | undefined): void {
  if (!isMap(annotations)) return;
  const found = STEERING.find((name) => Object.hasOwn(annotations, name));
  if (found === undefined) return;
  const message = `annotation ${found} is for kustomize's own use`;
  throw new EngineFault(message, ['metadata', 'annotations', found], { unsupported: true });
}

export function hasNotes(annotations: Json | undefined): boolean {
  return isMap(annotations) && NOTES.some((name) => Object.hasOwn(annotations, name));
}

/** Writes what was noted into annotations, as `buildMetadata` asks for it. */
export function annotateOrigins(resource: Resource, options: readonly string[]): void {
  const annotations = { ...resource.annotations };
  for (const note of NOTES) delete annotations[note];
  if (options.includes('originAnnotations') && resource.origin)
    annotations[ORIGIN] = lines(resource.origin, '').join('');
  if (options.includes('transformerAnnotations') && resource.transformations.length > 0)
    annotations[TRANSFORMATIONS] = resource.transformations
      .map((one) => lines(one, '  ').join('').replace(/^ {2}/, '- '))
      .join('');
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

const scalar = (text: string) => writeText(text, { column: 0, indent: 2, isKey: true });
