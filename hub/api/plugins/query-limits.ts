import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  parse,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { MOST_PER_PAGE } from '../../core/view/paging.ts';

export type QueryLimits = {
  readonly tokens: number;
  readonly depth: number;
  readonly aliases: number;
  /** Objects that an answer may hold at most, as far as the document tells. */
  readonly objects: number;
};
export const QUERY_LIMITS: QueryLimits = { tokens: 2_000, depth: 12, aliases: 15, objects: 100_000 };

type Weight = { readonly depth: number; readonly aliases: number; readonly objects: number };
const NOTHING: Weight = { depth: 0, aliases: 0, objects: 0 };

/**
 * Refuses a document before anything of it is executed. Each fragment is weighed once, however often it is spread: a
 * rule that walks them anew each time needs exponential time for a document of one kilobyte.
 */
export function useQueryLimits(limits: QueryLimits = QUERY_LIMITS): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source, options) => parse(source, { ...options, maxTokens: limits.tokens }));
    },
    onValidate({ addValidationRule }) {
      addValidationRule(limitRule(limits));
    },
  };
}

export function limitRule(limits: QueryLimits): ValidationRule {
  return (context) => ({
    Document(document) {
      const schema = context.getSchema();
      for (const [operation, weight] of weigh(schema, document)) {
        for (const what of ['depth', 'aliases', 'objects'] as const) {
          if (weight[what] <= limits[what]) continue;
          const has = `${what === 'depth' ? 'is' : 'has'} ${weight[what]} ${WORDS[what]}`;
          context.reportError(
            new GraphQLError(`${operation} ${has}, at most ${limits[what]} are allowed`, {
              extensions: { code: 'hub-refused' },
            }),
          );
        }
      }
    },
  });
}

const WORDS = { depth: 'levels deep', aliases: 'aliases', objects: 'objects at most in its answer' } as const;

function* weigh(schema: GraphQLSchema, document: DocumentNode): Generator<[operation: string, Weight]> {
  const scale = new Scale(schema, document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const root = schema.getRootType(definition.operation);
    const weight = scale.selection(definition.selectionSet, root ?? undefined);
    yield [`${definition.operation} ${definition.name?.value ?? ''}`.trim(), weight];
  }
}

class Scale {
  readonly #schema: GraphQLSchema;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #weighed = new Map<string, Weight>();

  constructor(schema: GraphQLSchema, document: DocumentNode) {
    this.#schema = schema;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#fragments.set(definition.name.value, definition);
    }
  }

  selection({ selections }: SelectionSetNode, parent: GraphQLOutputType | undefined): Weight {
    const parts = selections.map((node): Weight => {
      if (node.kind === Kind.FIELD) return this.#field(node, parent);
      if (node.kind === Kind.FRAGMENT_SPREAD) return this.#fragment(node.name.value);
      return this.selection(node.selectionSet, this.#typeNamed(node.typeCondition?.name.value) ?? parent);
    });
    return parts.reduce(
      (sum, part) => ({
        depth: Math.max(sum.depth, part.depth),
        aliases: sum.aliases + part.aliases,
        objects: sum.objects + part.objects,
      }),
      NOTHING,
    );
  }

  #field(node: FieldNode, parent: GraphQLOutputType | undefined): Weight {
    const aliases = node.alias ? 1 : 0;
    // Introspection has a limit of its own in graphql-js, and a depth of its own.
    if (!node.selectionSet || node.name.value.startsWith('__')) return { depth: 1, aliases, objects: 0 };
    const field =
      isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    const type = field && getNamedType(field.type);
    const inner = this.selection(node.selectionSet, isCompositeType(type) ? type : undefined);
    return {
      depth: 1 + inner.depth,
      aliases: aliases + inner.aliases,
      objects: 1 + times(node, field?.args ?? []) * inner.objects + times(node, field?.args ?? []),
    };
  }

  /** 0 for one that is missing or contains itself: other rules refuse those. */
  #fragment(name: string): Weight {
    const known = this.#weighed.get(name);
    if (known) return known;
    this.#weighed.set(name, NOTHING);
    const fragment = this.#fragments.get(name);
    const weight = fragment
      ? this.selection(fragment.selectionSet, this.#typeNamed(fragment.typeCondition.name.value))
      : NOTHING;
    this.#weighed.set(name, weight);
    return weight;
  }

  #typeNamed(name: string | undefined): GraphQLOutputType | undefined {
    const type = name === undefined ? undefined : this.#schema.getType(name);
    return isCompositeType(type) ? type : undefined;
  }
}

/** How many objects a field answers with: its `first` or the length of its `ids`, the most where that is a variable. */
function times(node: FieldNode, args: readonly { name: string; defaultValue?: unknown }[]): number {
  const paging = args.find(({ name }) => name === 'first' || name === 'ids');
  if (!paging) return 1;
  const given = node.arguments?.find(({ name }) => name.value === paging.name)?.value;
  if (!given) return typeof paging.defaultValue === 'number' ? paging.defaultValue : MOST_PER_PAGE;
  if (given.kind === Kind.INT) return Math.min(Math.max(Number(given.value), 1), MOST_PER_PAGE);
  if (given.kind === Kind.LIST) return given.values.length;
  return MOST_PER_PAGE;
}
