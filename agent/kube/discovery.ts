import { joinApiVersion, splitApiVersion } from '../core/object.ts';
import { isNotFound, KubeError } from './errors.ts';

/** Where objects of a kind are served. */
export type Resource = {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
};

type Fetch = (path: string, subject: string, signal: AbortSignal) => Promise<unknown>;
type Served = {
  name?: unknown;
  kind?: unknown;
  namespaced?: unknown;
  group?: unknown;
  version?: unknown;
};

/**
 * Which kinds the API server knows, asked per group version and kept. A kind that is not found is asked for once more, since CRDs
 * come and go; `forget` drops what a change of CRDs has made old.
 */
export class Discovery {
  readonly #fetch: Fetch;
  readonly #known = new Map<string, Promise<ReadonlyMap<string, Resource>>>();

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  /** @throws KubeError kube-kind-unknown */
  async resource(apiVersion: string, kind: string, signal: AbortSignal): Promise<Resource> {
    const cached = this.#known.has(apiVersion);
    let found = (await this.#groupVersion(apiVersion, signal)).get(kind);
    if (found === undefined && cached) {
      this.#known.delete(apiVersion);
      found = (await this.#groupVersion(apiVersion, signal)).get(kind);
    }
    if (found) return found;
    throw new KubeError('kube-kind-unknown', `${kind} of ${apiVersion} is not known to the API server`, {
      status: 404,
      reason: 'NotFound',
    });
  }

  /**
   * The kind in the version given or, where that is no longer served, in any version of the group: inventories outlive versions.
   * @throws KubeError kube-kind-unknown
   */
  async anyVersion(group: string, version: string, kind: string, signal: AbortSignal): Promise<Resource> {
    try {
      return await this.resource(joinApiVersion(group, version), kind, signal);
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 'kube-kind-unknown' || group === '') throw error;
      for (const other of await this.#versions(group, signal)) {
        if (other === version) continue;
        const found = (await this.#groupVersion(joinApiVersion(group, other), signal)).get(kind);
        if (found) return found;
      }
      throw error;
    }
  }

  forget(group?: string): void {
    for (const apiVersion of [...this.#known.keys()])
      if (group === undefined || splitApiVersion(apiVersion).group === group) this.#known.delete(apiVersion);
  }

  async #groupVersion(apiVersion: string, signal: AbortSignal): Promise<ReadonlyMap<string, Resource>> {
    const shared = this.#known.get(apiVersion);
    if (shared) {
      try {
        return await shared;
      } catch {
        // Somebody else's question failed, perhaps because theirs was aborted: ours is asked on its own.
        signal.throwIfAborted();
      }
    }
    const asked = this.#ask(apiVersion, signal);
    this.#known.set(apiVersion, asked);
    try {
      return await asked;
    } catch (error) {
      if (this.#known.get(apiVersion) === asked) this.#known.delete(apiVersion);
      throw error;
    }
  }

  async #ask(apiVersion: string, signal: AbortSignal): Promise<ReadonlyMap<string, Resource>> {
    const { group, version } = splitApiVersion(apiVersion);
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const found = new Map<string, Resource>();
    let body: unknown;
    try {
      body = await this.#fetch(path, `discovery of ${apiVersion}`, signal);
    } catch (error) {
      if (isNotFound(error)) return found;
      throw error;
    }
    const served = (body as { resources?: unknown } | undefined)?.resources;
    for (const each of (Array.isArray(served) ? served : []) as Served[]) {
      if (typeof each.name !== 'string' || typeof each.kind !== 'string' || each.name.includes('/')) continue;
      found.set(each.kind, {
        group,
        version,
        kind: each.kind,
        plural: each.name,
        namespaced: each.namespaced === true,
      });
    }
    return found;
  }

  async #versions(group: string, signal: AbortSignal): Promise<string[]> {
    try {
      const body = await this.#fetch(`/apis/${group}`, `discovery of ${group}`, signal);
      const versions = (body as { versions?: unknown } | undefined)?.versions;
      return (Array.isArray(versions) ? versions : []).flatMap((each: { version?: unknown }) =>
        typeof each.version === 'string' ? [each.version] : [],
      );
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }
}

/** Path of the collection, or of one object in it. */
export function pathOfResource(resource: Resource, namespace: string | undefined, name?: string): string {
  const { group, version, plural, namespaced } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope = namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
