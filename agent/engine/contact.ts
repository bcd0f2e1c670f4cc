import { type KubeObject, type ObjectMeta, objectId } from '../core/object.ts';
import { targetOf } from '../kube/client.ts';
import type { Resource } from '../kube/discovery.ts';
import { eachOf } from './pool.ts';
import type { Kube } from './ports.ts';

/** Up to so many objects of a kind are asked for one by one; more are found in a list. */
const FEW = 4;
const WIDTH = 8;

/**
 * Metadata of those objects that exist, whether or not they carry our label: the first contact with what a placement is about to
 * own. Per kind a list of metadata (of one namespace where one suffices), not a request per object.
 */
export async function firstContact(
  kube: Kube,
  objects: readonly { object: KubeObject; resource: Resource }[],
  signal: AbortSignal,
): Promise<Map<string, ObjectMeta>> {
  const kinds = Map.groupBy(objects, ({ resource }) => `${resource.group}/${resource.kind}`);
  const found = new Map<string, ObjectMeta>();
  await eachOf(kinds.values(), 4, async (members) => {
    if (members.length > FEW) await fromList(kube, members, found, signal);
    else
      await eachOf(members, WIDTH, async ({ object, resource }) => {
        const live = await kube.get(targetOf(resource, object), signal, { metadata: true });
        if (live) found.set(objectId(object), live.metadata);
      });
  });
  return found;
}

async function fromList(
  kube: Kube,
  members: readonly { object: KubeObject; resource: Resource }[],
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
