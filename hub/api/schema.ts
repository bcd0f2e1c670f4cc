import { readFileSync } from 'node:fs';
import type { GraphQLSchema } from 'graphql';
import { createSchema } from 'graphql-yoga';
import type { ApiContext } from './context.ts';
import { approvalResolvers } from './resolvers/approval.ts';
import { assignmentResolvers } from './resolvers/assignment.ts';
import { auditResolvers } from './resolvers/audit.ts';
import { clusterResolvers } from './resolvers/cluster.ts';
import { mutationResolvers } from './resolvers/mutation.ts';
import { objectResolvers } from './resolvers/objects.ts';
import { queryResolvers } from './resolvers/query.ts';
import { rolloutResolvers } from './resolvers/rollout.ts';
import { subscriptionResolvers } from './resolvers/subscription.ts';
import { viewerResolvers } from './resolvers/viewer.ts';
import { scalars } from './scalars.ts';

/** The contract with everybody who asks: what is not answered is not in it. */
export const SDL = readFileSync(new URL('./schema.graphql', import.meta.url), 'utf8');

export function buildSchema(): GraphQLSchema {
  return createSchema<ApiContext>({
    typeDefs: SDL,
    resolvers: [
      scalars,
      queryResolvers,
      clusterResolvers,
      assignmentResolvers,
      auditResolvers,
      objectResolvers,
      approvalResolvers,
      rolloutResolvers,
      subscriptionResolvers,
      mutationResolvers,
      viewerResolvers,
    ],
  });
}
