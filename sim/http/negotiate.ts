/** The forms in which objects can be asked for. */
export type Form = 'object' | 'metadata' | 'table';

interface Accepted {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

function parseAccept(accept: string | undefined): Accepted[] {
  return (accept ?? '').split(',').map((part) => {
    const [type = '', ...rest] = part.split(';').map((text) => text.trim());
    return {
      type,
      parameters: Object.fromEntries(rest.map((text) => text.split('=', 2) as [string, string])),
    };
  });
}

/** The first form of an Accept header that can be given; whole objects when it names none. */
export function formOf(accept: string | undefined): Form {
  for (const { parameters } of parseAccept(accept)) {
    const { as, g } = parameters;
    if (g === 'meta.k8s.io' && as?.startsWith('PartialObjectMetadata')) return 'metadata';
    if (g === 'meta.k8s.io' && as === 'Table') return 'table';
    if (as === undefined) return 'object';
  }
  return 'object';
}

/** The content type of an aggregated discovery document, when the client asks for one that can be given. */
export function aggregatedDiscovery(accept: string | undefined): string | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (type !== 'application/json' || parameters.g !== 'apidiscovery.k8s.io') continue;
    if (parameters.v === 'v2') return `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
  }
  return undefined;
}
