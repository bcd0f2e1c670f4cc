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
