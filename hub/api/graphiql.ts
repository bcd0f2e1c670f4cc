import type { GraphiQLOptions } from 'graphql-yoga';

/** The useful questions, one tab each, named by their operation. A test proves that the schema answers them. */
export const TABS: readonly string[] = [
  `query HowIsTheFleet {
  fleet {
    name
    head { shortOid headline author { name } committedAt }
    git { ok message }
    bus { ok message }
    problems(first: 10) {
      totalCount
      nodes { code message source { path line } cluster { name } }
    }
  }
  clusters {
    totalCount
    statusCounts { headline count }
    facets(keys: ["env", "region"]) { key values { value count } }
  }
}`,
  `query WorstFirst {
  clusters(
    filter: { selector: "env in (staging,prod)" }
    orderBy: { field: HEADLINE, direction: ASC }
    first: 20
  ) {
    totalCount
    nodes {
      name
      labels { key value }
      status {
        headline reason since observedAt
        connectivity sync drift health
      }
    }
  }
}`,
  `query WhoRunsWhat {
  assignments {
    totalCount
    revisionCounts { count revision { shortOid commit { headline } } }
    nodes {
      cluster { name }
      placement { name }
      desired { revision { shortOid } }
      applied { revision { shortOid } }
      lag { commits seconds }
      waitingFor
      status { headline reason }
    }
  }
}`,
  `query WhatRollsOut {
  fleet { banners { kind message by reason expiresAt } }
  rollouts(filter: { phase: [PENDING, RUNNING, SOAKING, AWAITING_APPROVAL, PAUSED, ROLLING_BACK] }) {
    totalCount
    nodes {
      alias phase reason waitingFor startedAt eta
      progress { total current applying failed percent }
      stages { name phase startedAt passedAt gates { kind when state opensAt message } }
      targets(state: [FAILED, OFFLINE, BLOCKED], first: 20) { totalCount nodes { name stage state message } }
    }
  }
  approvals(state: [PENDING, EXPIRED]) { nodes { alias reason clusterCount decisions { by at } } }
}`,
  `query WhatHasDrifted {
  drift {
    totalCount
    nodes {
      assignment { cluster { name } placement { name } }
      resource { kind namespace name }
      path kind desired live
      manager operation changedAt firstSeen
    }
  }
  driftGroups(by: MANAGER) { key fieldCount clusterCount }
}`,
  `query ImagesInUse {
  images {
    image { repository tag }
    clusterCount resourceCount
    clusters { nodes { name } }
  }
}`,
  `subscription WatchTheFleet {
  clusterChanges {
    name
    previousHeadline
    cluster { status { headline reason sync drift health } }
  }
}`,
];

/** GraphiQL of the version that yoga has, from this machine: nothing is loaded from elsewhere. 9 MB, read when first asked for. */
export const graphiqlOptions: GraphiQLOptions = {
  title: 'Flotilla',
  defaultTabs: TABS.map((query) => ({ query })),
  defaultEditorToolsVisibility: true,
};

export async function renderGraphiql(options: GraphiQLOptions): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL(options);
}
