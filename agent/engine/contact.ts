import { type KubeObject, type ObjectMeta, objectId } from '../core/object.ts';
import { targetOf } from '../kube/client.ts';
import type { Resource } from '../kube/discovery.ts';
import { KubeError } from '../kube/errors.ts';
import { eachOf } from './pool.ts';
import type { Kube } from './ports.ts';
import { Rounds } from './rounds.ts';

export type Contacted = { object: KubeObject; resource: Resource };

/** Up to so many objects of a kind are asked for one by one; more are found in a list. */
const FEW = 4;
const WIDTH = 8;

/**
 * Metadata of those objects that exist, whether or not they carry our label: the first contact with what placements are about to own.
 * Per kind a list of metadata (of one namespace where one suffices), not a request per object; placements that start together share it.
 */
export class FirstContact {
  readonly #rounds: Rounds<Contacted, ObjectMeta>;

  constructor(kube: Kube, life: AbortSignal) {
    this.#rounds = new Rounds(
      ({ resource }) => `${resource.group}/${resource.kind}`,
      (members) => contact(kube, members, life),
    );
  }

  /** By id. @throws KubeError */
  async of(objects: readonly Contacted[], signal: AbortSignal): Promise<Map<string, ObjectMeta>> {
    const found = new Map<string, ObjectMeta>();
    await Promise.all(
      objects.map(async (each) => {
        const live = await this.#rounds.ask(each, signal);
        if (live) found.set(objectId(each.object), live);
      }),
    );
    return found;
  }
}

async function contact(
  kube: Kube,
  members: readonly Contacted[],
  signal: AbortSignal,
): Promise<Map<Contacted, ObjectMeta>> {
  const found = new Map<string, ObjectMeta>();
  const listed = members.length > FEW && (await mayList(fromList(kube, members, found, signal)));
  if (!listed)
    await eachOf(members, WIDTH, async ({ object, resource }) => {
      const live = await kube.get(targetOf(resource, object), signal, { metadata: true });
      if (live) found.set(objectId(object), live.metadata);
    });
  return new Map(
    members.flatMap((each) => {
      const live = found.get(objectId(each.object));
      return live ? [[each, live] as const] : [];
    }),
  );
}

/** Who may not list may still get. */
export async function mayList(listing: Promise<void>): Promise<boolean> {
  try {
    await listing;
    return true;
  } catch (error) {
    if (error instanceof KubeError && error.code === 'kube-forbidden') return false;
    throw error;
  }
}

async function fromList(
  kube: Kube,
  members: readonly Contacted[],
  found: Map<string, ObjectMeta>,
  signal: AbortSignal,
): Promise<void> {
  const { resource } = members[0]!;
  const wanted = new Set(members.map(({ object }) => objectId(object)));
  const namespaces = new Set(members.map(({ object }) => object.metadata.namespace));
  const [namespace] = namespaces;
  const options = { metadata: true, ...(namespaces.size === 1 && namespace !== undefined && { namespace }) };
  for await (const page of kube.pages(resource, options, signal)) {
    for (const live of page.items) {
      const id = objectId(live);
      if (wanted.has(id)) found.set(id, live.metadata);
    }
  }
}
