import type { Json, JsonObject } from '../json.ts';
import { DecodeError } from './decode.ts';
import type { Field, MapType, ScalarType, Type } from './types.ts';

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const MAGIC = Buffer.from('k8s\0');

/**
 * Reads an object as Kubernetes' own clients may send it: protobuf in an envelope that names the kind (apimachinery,
 * runtime/serializer/protobuf). What the tables do not have is left out. Throws DecodeError for anything else.
 */
export function decodeProtobuf(body: Buffer, type: MapType): JsonObject {
  if (!body.subarray(0, 4).equals(MAGIC))
    throw new DecodeError('provided data does not appear to be a protobuf message');
  const envelope = readMessage(body.subarray(4));
  const typeMeta = readMessage(bytesOf(envelope, 1));
  const object = decodeMessage(readMessage(bytesOf(envelope, 2)), type);
  return { ...object, apiVersion: textOf(typeMeta, 1), kind: textOf(typeMeta, 2) };
}

/** The values of one message by field number, in their order. */
type Message = Map<number, (bigint | Buffer)[]>;

function readMessage(bytes: Buffer): Message {
  const message: Message = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new DecodeError('proto: unexpected end of a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new DecodeError('proto: unexpected end of the message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const values = message.get(tag >> 3) ?? [];
    message.set(tag >> 3, values);
    const wireType = tag & 7;
    if (wireType === 0) values.push(varint());
    else if (wireType === 1) values.push(take(8));
    else if (wireType === 2) values.push(take(Number(varint())));
    else if (wireType === 5) values.push(take(4));
    else throw new DecodeError(`proto: illegal wireType ${wireType}`);
  }
  return message;
}

function bytesOf(message: Message, number: number): Buffer {
  const value = message.get(number)?.at(-1);
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function textOf(message: Message, number: number): string {
  return bytesOf(message, number).toString('utf8');
}

function intOf(message: Message, number: number): number {
  const value = message.get(number)?.at(-1);
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
}

function decodeMessage(message: Message, type: MapType): JsonObject {
  const out: JsonObject = {};
  const embedded = new Map<number, Message>();
  for (const [name, field] of type.fields) {
    const value = decodeField(message, field, embedded);
    if (value !== undefined) out[name] = value;
  }
  return out;
}

function decodeField(
  message: Message,
  { type, number }: Field,
  embedded: Map<number, Message>,
): Json | undefined {
  let holder = message;
  for (const outer of number.slice(0, -1)) {
    let inner = embedded.get(outer);
    if (!inner) {
      inner = readMessage(bytesOf(holder, outer));
      embedded.set(outer, inner);
    }
    holder = inner;
  }
  const values = holder.get(number.at(-1) ?? 0);
  return values && decodeValues(values, type);
}

function decodeValues(values: (bigint | Buffer)[], type: Type): Json {
  if (type.kind === 'list') return values.map((value) => decodeValues([value], type.item));
  if (type.kind === 'map' && type.fields.size === 0 && type.rest) {
    const { rest } = type;
    const entries = values.map((value) => {
      const entry = readMessage(asBytes(value));
      return [textOf(entry, 1), decodeValues(entry.get(2) ?? [Buffer.alloc(0)], rest)] as const;
    });
    return Object.fromEntries(entries);
  }
  const value = values.at(-1) ?? 0n;
  if (type.kind === 'map') return decodeMessage(readMessage(asBytes(value)), type);
  return type.kind === 'scalar' ? decodeScalar(value, type) : decodeRaw(asBytes(value));
}

function asBytes(value: bigint | Buffer): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

/** Values without schema travel as JSON in the first field of a message. */
function decodeRaw(bytes: Buffer): Json {
  const text = textOf(readMessage(bytes), 1);
  if (text === '') return null;
  return JSON.parse(text) as Json;
}

function decodeScalar(value: bigint | Buffer, { scalar }: ScalarType): Json {
  if (typeof value === 'bigint') {
    return scalar === 'boolean' ? value !== 0n : Number(BigInt.asIntN(64, value));
  }
  switch (scalar) {
    case 'quantity':
      return textOf(readMessage(value), 1);
    case 'intstr': {
      const either = readMessage(value);
      return intOf(either, 1) === 1 ? textOf(either, 3) : intOf(either, 2);
    }
    case 'time':
    case 'microtime': {
      const time = readMessage(value);
      if (time.size === 0) return null;
      const micros = Math.floor(intOf(time, 2) / 1000);
      const seconds = new Date(intOf(time, 1) * 1000).toISOString().slice(0, 19);
      return scalar === 'time' ? `${seconds}Z` : `${seconds}.${String(micros).padStart(6, '0')}Z`;
    }
    case 'number':
      return value.length === 8 ? value.readDoubleLE() : 0;
    case 'bytes':
      return value.toString('base64');
    default:
      return value.toString('utf8');
  }
}
