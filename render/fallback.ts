import { FlotillaError } from '#proto/faults.ts';
import type { Renderer } from './renderer.ts';

/**
 * The engine for all that it supports, and another renderer for the rest (`render.fallback` in flotilla.yaml). The choice is made
 * from the fields that are seen before anything renders: only render-unsupported leads to the other one, never a failure.
 * The other renderer is opened when it is needed first.
 */
export function withFallback(native: Renderer, open: () => Promise<Renderer>): Renderer {
  let other: Promise<Renderer> | undefined;
  return {
    async render(input, signal) {
      try {
        return await native.render(input, signal);
      } catch (error) {
        if (!(error instanceof FlotillaError) || error.code !== 'render-unsupported') throw error;
        other ??= open();
        return (await other).render(input, signal);
      }
    },
  };
}
