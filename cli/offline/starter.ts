import { API_VERSION } from '#proto/documents/common.ts';

const head = (kind: string, name: string) =>
  `apiVersion: ${API_VERSION}\nkind: ${kind}\nmetadata: { name: ${name} }\n`;

/** Files of a new fleet repo: small, valid, and enough to see a first placement on a first cluster. */
export function starterFiles(name: string): Readonly<Record<string, string>> {
  return {
    'flotilla.yaml': `# The fleet as a whole; the only document with a fixed name.
${head('Fleet', name)}spec:
  branch: main # the only branch that agents accept
  labels: # the vocabulary of cluster labels: a typo is an error
    env: { required: true, enum: [dev, staging, prod] }
    region: { pattern: "^[a-z]+(-[a-z0-9]+)*$" }
  defaults: { strategy: standard }
`,
    'rollouts/standard.yaml': `# How a change goes through the fleet: stage after stage, the first that matches wins.
${head('RolloutStrategy', 'standard')}spec:
  stages:
    - { name: dev, selector: { matchLabels: { env: dev } } }
    - { name: staging, selector: { matchLabels: { env: staging } } }
    - { name: prod, selector: {} } # the last stage takes all that are left
`,
    'placements/hello.yaml': `# Which clusters get which overlay.
${head('Placement', 'hello')}spec:
  selector: {} # every cluster; a selector over labels chooses some
  path: apps/hello/overlays/{env} # {label} and {name} stand for what the cluster has
  namespace: hello
  createNamespace: true
  values:
    optional: { greeting: Hello } # \${greeting}; a cluster sets its own under spec.values
`,
    'apps/hello/base/kustomization.yaml': 'resources: [greeting.yaml]\n',
    'apps/hello/base/greeting.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: greeting }
data:
  text: "\${greeting} from Git"
`,
    ...Object.fromEntries(
      ['dev', 'staging', 'prod'].map((env) => [
        `apps/hello/overlays/${env}/kustomization.yaml`,
        `resources: [../../base]\nlabels: [{ pairs: { env: ${env} } }]\n`,
      ]),
    ),
    'clusters/README.md': `One file for each cluster, \`<name>.yaml\`; committing it onboards the cluster. \`flotilla cluster add\` writes it.\n`,
  };
}
