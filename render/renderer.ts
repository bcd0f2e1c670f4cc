import type { Assignment } from '#proto/assignment.ts';
import type { Closure, ClosureFile } from './closure.ts';
import type { Json } from './yaml/read.ts';

/** Everything that decides what a rendering yields; nothing else may. */
export type RenderInput = {
  /** Directory of the overlay. Its files and those of the components are all in `files`. */
  readonly path: string;
  /** Directories of components that are applied to what the overlay renders, in order. */
  readonly components: readonly string[];
  /** kustomize's `namespace:` over everything. */
  readonly namespace?: string;
  /** What of the overlay counts at the top only. */
  readonly options: Closure['options'];
  readonly usesCharts: boolean;
  readonly files: ReadonlyMap<string, ClosureFile>;
  /** Merkle nodes of directories with a kustomization, by path: equal nodes render to equal objects. */
  readonly nodes?: ReadonlyMap<string, string>;
  /** What charts were templated to, by `directory#index` of the entries of `helmCharts`. */
  readonly charts?: ReadonlyMap<string, readonly Json[]>;
  /** What charts are templated with, where there are any: declared values, and what the cluster is said to be. */
  readonly release?: Pick<Assignment, 'values' | 'kubeVersion' | 'apiVersions'>;
};

/**
 * The port behind which overlays are rendered with the semantics of `kustomize build --reorder=none` 5.5. Equal input,
 * equal output; nothing besides the input is read.
 */
export interface Renderer {
  /**
   * Objects in order, as rendered: not checked, values not substituted.
   * @throws FlotillaError render-failed with the overlay and the reason; render-unsupported for what this renderer does
   *   not do and another might; render-tool-missing
   */
  render(input: RenderInput, signal: AbortSignal): Promise<Json[]>;
}
