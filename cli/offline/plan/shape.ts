import type { Closure } from '#render/closure.ts';

/**
 * What an overlay reads, so that many overlays have it in common: paths below the overlay start with `./`, others are whole. `watch`
 * are paths that alter the closure when something appears there or below (see `Closure`).
 */
export type Shape = { readonly files: readonly string[]; readonly watch: readonly string[] };

export function shapeOf({ files, watch }: Pick<Closure, 'files' | 'watch'>, path: string): Shape {
  const relative = (one: string) =>
    one === path ? '.' : path !== '' && one.startsWith(`${path}/`) ? `.${one.slice(path.length)}` : one;
  return { files: files.map(relative), watch: watch.map(relative) };
}

export const isOwn = (path: string): boolean => path === '.' || path.startsWith('./');
