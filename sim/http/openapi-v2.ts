export const OPENAPI_V2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/**
 * An OpenAPI v2 document without any definition, as the protobuf that kubectl asks for. kubectl checks a `List` against
 * this document, and leaves to the server whatever it finds no definition for.
 */
export function emptyOpenApiV2(): Buffer {
  const info = Buffer.concat([field(1, 'Kubernetes'), field(2, 'sim')]);
  return Buffer.concat([field(1, '2.0'), field(2, info), field(8, '')]);
}

/** One length-delimited protobuf field. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}
