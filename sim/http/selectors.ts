import { badRequest } from '../errors.ts';
import type { Kind } from '../kinds/kinds.ts';
import type { Stored } from '../store.ts';

/** Decides whether an object is in a list or watch. */
export type Matcher = (object: Stored) => boolean;

/** Reads `labelSelector` and `fieldSelector` of a query. Throws a 400 for what cannot be read. */
export function parseSelectors(query: URLSearchParams, kind: Kind): Matcher {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', kind);
  return (object) => labels(object) && fields(object);
}

const SET = /^([^\s!=,()]+)\s+(in|notin)\s*\(([^)]*)\)$/;
const EQUALITY = /^([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)$/;
const EXISTS = /^(!?)\s*([^\s!=,()]+)$/;

export function parseLabelSelector(text: string): Matcher {
  const matchers = splitTop(text).map((term): Matcher => {
    const set = SET.exec(term);
    if (set) {
      const [, key = '', operator, list = ''] = set;
      const values = list.split(',').map((value) => value.trim());
      return ({ labels }) => {
        const value = labels[key];
        return operator === 'in'
          ? value !== undefined && values.includes(value)
          : !values.includes(value ?? '\0');
      };
    }
    const equality = EQUALITY.exec(term);
    if (equality) {
      const [, key = '', operator, value] = equality;
      return ({ labels }) => (labels[key] === value) === (operator !== '!=');
    }
    const exists = EXISTS.exec(term);
    if (!exists) throw badRequest(`unable to parse requirement: found '${term}'`);
    const [, not, key = ''] = exists;
    return ({ labels }) => key in labels === (not === '');
  });
  return (object) => matchers.every((matches) => matches(object));
}

/** Splits at commas that are not inside parentheses. */
function splitTop(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter(Boolean);
}

function parseFieldSelector(text: string, kind: Kind): Matcher {
  const matchers = splitTop(text).map((term): Matcher => {
    const match = EQUALITY.exec(term);
    const [, field = '', operator, value = ''] = match ?? [];
    const read = FIELDS[field] ?? nestedField(field, kind);
    if (!match || !read) {
      throw badRequest(
        `Unable to find "${term}" that match label selector "", field selector "${text}": field label not supported: ${field}`,
      );
    }
    return (object) => (read(object) === value) === (operator !== '!=');
  });
  return (object) => matchers.every((matches) => matches(object));
}

const FIELDS: Record<string, (object: Stored) => string> = {
  'metadata.name': ({ name }) => name,
  'metadata.namespace': ({ namespace }) => namespace,
};

/** What can be selected by, beside name and namespace. */
const NESTED: Record<string, RegExp> = {
  Event: /^(involvedObject\.\w+|reason|type|source|reportingComponent)$/,
  Namespace: /^status\.phase$/,
  Node: /^spec\.unschedulable$/,
  Pod: /^(spec\.(nodeName|restartPolicy|schedulerName|serviceAccountName)|status\.phase)$/,
  Secret: /^type$/,
};

/** Fields that kubectl asks for on Events and Pods; read from the stored text. */
function nestedField(field: string, { kind }: Kind): ((object: Stored) => string) | undefined {
  if (!NESTED[kind]?.test(field)) return undefined;
  return ({ rest }) => {
    let at: unknown = JSON.parse(`{${rest}}`);
    for (const name of field.split('.')) at = (at as Record<string, unknown> | undefined)?.[name];
    return at === undefined ? '' : String(at);
  };
}
