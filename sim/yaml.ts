import type { Tags } from 'yaml';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { badRequest } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import { isObject } from './json.ts';
import { duplicateFields } from './schema/duplicates.ts';

/** An object written as YAML or JSON; `strictError` says what a strict reader would refuse. */
export interface ParsedYaml {
  readonly config: JsonObject;
  readonly strictError: string | undefined;
}

/** Reads an apply configuration. JSON, which every program sends, is read without the YAML parser. */
export function parseYaml(text: string): ParsedYaml {
  if (text.trimStart().startsWith('{')) {
    try {
      const config = JSON.parse(text) as Json;
      const [duplicate] = duplicateFields(text);
      const strictError =
        duplicate === undefined ? undefined : `json: duplicate field "${duplicate.split('.').at(-1)}"`;
      return { config: asObject(config), strictError };
    } catch (error) {
      // A YAML flow mapping looks the same from afar.
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, customTags: withoutTimes });
  const [problem] = document.errors;
  if (problem) throw badRequest(`error decoding YAML: ${problem.message}`);
  return { config: asObject(document.toJS() as Json), strictError: duplicateKey(document) };
}

/** Times stay strings, as Kubernetes' YAML reader leaves them. */
const withoutTimes = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      !(tag.tag === 'tag:yaml.org,2002:timestamp' || ('format' in tag && tag.format === 'TIME')),
  );

function duplicateKey(document: ReturnType<typeof parseDocument>): string | undefined {
  let found: string | undefined;
  visit(document, {
    Map(_, node) {
      const seen = new Set<unknown>();
      for (const { key } of isMap(node) ? node.items : []) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name)) found ??= `yaml: key "${String(name)}" already set in map`;
        seen.add(name);
      }
    },
  });
  return found;
}

function asObject(value: Json): JsonObject {
  if (!isObject(value)) throw badRequest('error decoding YAML: the document is no object');
  return value;
}
