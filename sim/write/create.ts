import { trackUpdate } from '../apply/track.ts';
import { notFound } from '../errors.ts';
import { stringAt } from '../json.ts';
import { unpack } from '../store.ts';
import type { Committed } from './commit.ts';
import { commitCreate, commitUpdate, matchRequest, metadataOf } from './commit.ts';
import type { Write } from './context.ts';
import { trackingOf } from './context.ts';
import { decodeBody, internalError } from './decode.ts';
import { setManagedFields } from './patch.ts';

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** POST: creates an object; the name may come from `generateName`. */
export function createObject(request: Write, text: string): Committed {
  const object = decodeBody(request, text);
  const metadata = metadataOf(object);
  const generateName = metadata.generateName;
  if (!metadata.name && typeof generateName === 'string') {
    const random = Array.from({ length: 5 }, () => ALPHABET[Math.floor(Math.random() * ALPHABET.length)]);
    metadata.name = generateName + random.join('');
  }
  const name = stringAt(object, 'metadata', 'name') ?? '';
  const write = { ...request, name };
  if (metadata.resourceVersion)
    throw internalError('resourceVersion should not be set on objects to be created');
  matchRequest(write, object);
  setManagedFields(object, trackUpdate(undefined, object, trackingOf(write)));
  return commitCreate(write, object);
}

/** PUT: replaces an object, or its status through the subresource. */
export function replaceObject(write: Write, text: string): Committed {
  const { cluster, kind, namespace, name } = write;
  const object = decodeBody(write, text);
  matchRequest(write, object);
  const before = cluster.store.get(kind, namespace, name);
  if (!before) throw notFound(kind, name);
  setManagedFields(object, trackUpdate(unpack(before, kind), object, trackingOf(write)));
  return commitUpdate(write, before, object);
}
