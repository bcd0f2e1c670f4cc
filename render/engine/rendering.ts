import type { RenderInput } from '../renderer.ts';
import type { Json } from '../yaml/read.ts';
import type { Accumulation } from './accumulation.ts';
import type { BaseCache, SharedBase } from './bases.ts';
import { EngineFault } from './fault.ts';
import { getIn, isEmpty, type JsonMap } from './json.ts';
import { readOpenApi } from './merge/open-api.ts';
import { BUILTIN_SCHEMA, type MergeSchema } from './merge/schema.ts';
import { joinOrigin, type Origin } from './origin.ts';
import { refuseSteering } from './origin-notes.ts';
import type { Documents } from './read/documents.ts';
import { Files } from './read/files.ts';
import { Resource } from './resource.ts';
import { at, type Target } from './target.ts';

/** Bounds of one rendering: kustomizations on the way down, and how often one may be done all in all. */
const DEPTH = 100;
const KUSTOMIZATIONS = 10_000;
const OBJECTS = 20_000;
const OPENAPI_VERSION = 'v1.21.2';

/** What one rendering goes by: the closure, what was parsed and gathered before, and the schema in force. */
export class Rendering {
  readonly files: Files;
  readonly documents: Documents;
  readonly #input: RenderInput;
  readonly #bases: BaseCache;
  #schema: MergeSchema = BUILTIN_SCHEMA;
  /** The first kustomization that names a schema sets it for good. */
  #schemaSet = false;
  #kustomizations = 0;
  #objects = 0;

  constructor(input: RenderInput, documents: Documents, bases: BaseCache) {
    this.#input = input;
    this.files = new Files(input.files);
    this.documents = documents;
    this.#bases = bases;
  }

  get schema(): MergeSchema {
    return this.#schema;
  }

  /** The kustomization that a path of another leads to. @throws EngineFault when it is none, or of the wrong kind */
  target(from: Target, path: string, isComponent: boolean): Target {
    const found = this.files.find(from.directory, path);
    if (found.what === 'file') throw new EngineFault(`${path} is a file; a directory is expected`);
    if (from.depth >= DEPTH) throw new EngineFault(`kustomizations are nested deeper than ${DEPTH}`);
    const origin = from.origin === undefined ? undefined : joinOrigin(from.origin, path);
    const target = this.open(found.path, origin, from.depth + 1);
    if ((target.kustomization.kind === 'Component') !== isComponent)
      throw new EngineFault(
        isComponent
          ? `${path} is no component: its kustomization must be of kind Component`
          : `${path} is a component; it belongs under components`,
      );
    return target;
  }

  open(directory: string, origin: string | undefined, depth: number): Target {
    const file = this.files.kustomization(directory);
    const fileName = file.path.slice(file.path.lastIndexOf('/') + 1);
    const target = {
      directory,
      file,
      fileName,
      kustomization: this.documents.kustomization(file),
      origin,
      depth,
    };
    if (++this.#kustomizations > KUSTOMIZATIONS)
      throw new EngineFault(`more than ${KUSTOMIZATIONS} kustomizations are done`);
    this.#setSchema(target);
    return target;
  }

  /** `file`: what it was read from. */
  resource(object: JsonMap, origin: Origin | undefined, file?: string): Resource {
    if (++this.#objects > OBJECTS) throw new EngineFault(`there are more than ${OBJECTS} objects`);
    refuseSteering(getIn(object as Json, 'metadata', 'annotations'));
    const resource = new Resource(object, this.#schema);
    resource.demandPairs('annotations');
    resource.origin = origin;
    resource.file = file;
    return resource;
  }

  /** What a base renders to, from what was gathered before where nothing but its own files can alter it. */
  base(target: Target, gather: () => Accumulation): SharedBase {
    const node = this.#input.nodes?.get(target.directory);
    const plain = target.origin === undefined && !this.#schemaSet;
    const known = plain && node !== undefined ? this.#bases.take(node, target.directory) : undefined;
    if (known) {
      this.#objects += known.resources.length;
      if (this.#objects > OBJECTS) throw new EngineFault(`there are more than ${OBJECTS} objects`);
      return known;
    }
    const { resources, config, vars } = gather();
    const base = { resources: resources.list, config, vars: [...vars.values()] };
    if (plain && node !== undefined && !this.#schemaSet) this.#bases.keep(node, base, target.directory);
    return base;
  }

  /** What the charts of a kustomization were templated to before. @throws EngineFault for one that was not */
  chartsOf({
    directory,
    kustomization,
    ...target
  }: Target): { objects: readonly JsonMap[]; path: (string | number)[] }[] {
    const { helmCharts = [], helmChartInflationGenerator = [] } = kustomization;
    const fields = [
      ...helmCharts.map((_, index) => ['helmCharts', index]),
      ...helmChartInflationGenerator.map((_, index) => ['helmChartInflationGenerator', index]),
    ];
    return fields.map((path, index) => {
      const objects = this.#input.charts?.get(`${directory}#${index}`);
      if (!objects)
        at({ directory, kustomization, ...target }, path, () => {
          throw new EngineFault('helmCharts are not rendered here', undefined, { unsupported: true });
        });
      return {
        objects: (objects ?? []).filter((one): one is { [key: string]: Json } => !isEmpty(one)),
        path,
      };
    });
  }

  #setSchema(target: Target): void {
    const { openapi } = target.kustomization;
    if (this.#schemaSet || !openapi) return;
    const { path, version } = openapi;
    if (path !== undefined)
      at(target, ['openapi', 'path'], () => {
        // kustomize lays its own schema over or under a component's, depending on what it happens to have read before.
        if (target.kustomization.kind === 'Component')
          throw new EngineFault('a component that brings a schema is not supported', undefined, {
            unsupported: true,
          });
        if (version !== undefined) throw new EngineFault('openapi has path and version; one of them counts');
        this.#schema = readOpenApi(this.documents.document(this.files.read(target.directory, path)));
        this.#schemaSet = true;
      });
    else if (version) {
      if (version !== OPENAPI_VERSION)
        at(target, ['openapi', 'version'], () => {
          throw new EngineFault(`${version} is not built in; ${OPENAPI_VERSION} is`);
        });
      this.#schemaSet = true;
    }
  }
}
